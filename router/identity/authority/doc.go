// Package authority is a small private certificate authority: enough for the services of one
// house to know each other, where there is no larger one.
//
// It lives in a folder, and so does what it issued:
//
//	ca.crt      the authority's certificate: everybody may have it, and verifies with it
//	ca.key      its key: whoever has it is everybody; keep it where nothing is served
//	server.crt  server.key     one certificate for all names and addresses of the service
//	NAME.crt    NAME.key       one certificate for each client
//
// The authority may have a folder of its own, so that ca.key is not where the others are.
//
// Keys are ECDSA on P-256, and readable by their owner only. A file is there whole or not at
// all. A certificate is for servers or for clients, never for both: a server's cannot be used
// to call. Nothing is revoked: certificates are short-lived, and a client's rights are taken
// away where they were given, in the directory of identities.
package authority
