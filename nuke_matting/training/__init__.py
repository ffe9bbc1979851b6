"""How the weights are made: sources of people and backgrounds, composites in linear light, losses, stages."""
