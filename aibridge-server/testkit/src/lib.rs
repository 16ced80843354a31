//! A scripted provider on a free port, and what tests need around it
