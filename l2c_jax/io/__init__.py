"""Files of tables in, files of labels out."""
