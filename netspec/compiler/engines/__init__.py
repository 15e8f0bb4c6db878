"""The ways to run a net: layer by layer, compiled by `torch.compile`, or recorded as a CUDA graph.

Which one is a `Choice`, made by `choose` before anything runs. What cannot be done falls back to running
layer by layer, and the choice says why.
"""

from netspec.compiler.engines.choice import ENGINES, Choice, EngineName, choose
from netspec.compiler.engines.compiled import Compiled
from netspec.compiler.engines.replayed import Replayed

__all__ = ["ENGINES", "Choice", "Compiled", "EngineName", "Replayed", "choose"]
