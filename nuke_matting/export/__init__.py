"""A model as a file for other programs: TorchScript for Nuke's Inference node, and the script that makes its .cat."""
