"""Media through real sockets: our unit beside Debian's Janus under one load. `./run bench media`."""
