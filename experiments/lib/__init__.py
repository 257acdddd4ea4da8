"""What experiments share. Imports the library, and no experiment."""
