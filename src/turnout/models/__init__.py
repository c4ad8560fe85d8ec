"""What is known of the upstreams' models: windows, efforts, framing."""
