"""From the graph to something that runs: a `torch.fx.GraphModule` inside a `Net`."""
