"""What is observed: files, name servers, connections, certificates, answers; each within its own bound."""
