"""Files over all pieces of an export that trainers read: lists, tables, settings; and counts."""
