"""What boxes say, in a terminal: the state of ``edge_affect.subscriber`` as rows of text."""
