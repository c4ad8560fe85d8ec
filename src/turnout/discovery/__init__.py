"""Which models there are: asks the upstreams, keeps on disk what they have said, and finds what others have kept."""
