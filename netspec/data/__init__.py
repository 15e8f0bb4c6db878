"""Where batches come from: streams, in which a batch is a function of its number, and threads that draw."""
