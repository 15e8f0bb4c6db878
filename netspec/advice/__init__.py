"""What is no error in a net, but makes it fail: see the README of this folder for each advice."""
