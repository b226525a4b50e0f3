"""The http adapter: hand-written tools, each one HTTP request; its sender serves the openapi adapter too."""
