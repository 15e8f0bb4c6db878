"""Pictures of what a net does, one module each; nothing is loaded before it is drawn."""
