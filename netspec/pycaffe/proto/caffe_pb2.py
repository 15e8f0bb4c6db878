"""The message classes of netspec's schema under the name of Caffe's generated module.

Names, field numbers and defaults of what Caffe has are Caffe's, so text and binary files of either are read
by the other. What forks and netspec add is there too.
"""

from netspec.schema.messages import *  # noqa: F403
from netspec.schema.messages import LayerParameter

# The file descriptor, as every generated module has it.
DESCRIPTOR = LayerParameter.DESCRIPTOR.file
