"""Tables in, labels out."""
