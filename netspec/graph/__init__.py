"""What will be computed: nodes in order, the blobs between them with their shapes, each with its place."""
