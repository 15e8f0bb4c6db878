"""Pictures of what a net does."""

from netspec.viz.stn import draw_transformers, save, transformers

__all__ = ["draw_transformers", "save", "transformers"]
