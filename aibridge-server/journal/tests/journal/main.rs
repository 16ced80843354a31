//! The journal as its users see it: on a model of a disk that fails and forgets, and on a real one.

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod local;
#[cfg(test)]
mod model;
#[cfg(test)]
mod property;
#[cfg(test)]
mod recovery;
#[cfg(test)]
mod space;
#[cfg(test)]
mod support;
