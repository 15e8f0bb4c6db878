"""What ``import caffe`` finds in a process that a script started by `multiprocessing`'s "spawn": it inherits
`sys.path`, on which this folder is, and nothing else."""

from netspec.pycaffe.install import install

install()
