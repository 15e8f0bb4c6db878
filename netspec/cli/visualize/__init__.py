"""`netspec visualize`: pictures of what a trained net does, a file per kind."""

HELP = "draw what a trained net does: transformers, confusions, filters, thetas, a report"

TOOLS = ("stn", "confusion", "filters", "theta", "report")
