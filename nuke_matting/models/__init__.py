"""Models: a network, its weights and the contract they keep."""
