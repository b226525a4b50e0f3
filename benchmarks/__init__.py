"""How fast Toolcrib is, side by side with peers, against one upstream."""
