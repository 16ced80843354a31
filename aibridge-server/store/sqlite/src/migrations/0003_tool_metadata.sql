-- What is to be known about a tool usage beside its columns, e.g. {"truncated":true}. Null in rows of earlier versions.
ALTER TABLE aibridge_tool_usages ADD COLUMN metadata TEXT;
