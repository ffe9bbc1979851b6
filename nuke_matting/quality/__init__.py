"""How good a matte is: measures against a truth, and sheets to look at."""
