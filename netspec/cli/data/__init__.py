"""`netspec data`: databases, mean images and data sets, a file per tool."""

HELP = "make and look into databases, mean images and data sets"

TOOLS = (
    "convert-imageset",
    "compute-mean",
    "inspect",
    "mnist",
    "distorted-mnist",
    "cluttered-mnist",
    "mnist-sequence",
    "gtsrb",
    "documents",
)
