"""The process that runs a WebRTC stack: ICE, DTLS and SCTP stay out of the server's event loop."""
