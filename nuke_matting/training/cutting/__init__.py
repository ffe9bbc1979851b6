"""How mattes of real people are cut out of photographs and clips, and what is behind them."""
