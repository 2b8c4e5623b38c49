// Package identity tells who calls, and proves it.
//
// A caller proves who it is in one of two ways:
//
//	client certificate   signed by one of the client authorities; checked by TLS, when a
//	                     connection is made
//	bearer token         a JWT signed by a key of the key set; checked at every call
//
// A token, when one is presented, says who calls, whatever certificate the connection was made
// with; a token that is no good is refused, and never passed over in favour of the certificate.
// Then the Directory, which is the configuration's list of identities, says whose name was proved:
//
//	certificate ── TLS ──> names ──┐
//	                               ├── Directory ──> Identity{Name, House, Tenants}
//	token ──── key set ──> sub  ───┘       └──────> ErrUnknown
//
// # The names of a certificate
//
// They are its URI and its DNS subject alternative names. Only a certificate that has neither is
// known by its subject's common name. Names are compared byte by byte: there are no wildcards.
// A certificate whose names belong to two entries is nobody's (ErrUnknown).
//
// # Files
//
// The certificate with its key, the client authorities and the key set are files. They are looked
// at when they are needed, at most once a second, and a file that changed is taken up: for new
// connections, and for the next token. A file that is broken or gone is said so once in the log,
// and what was in force stays in force.
//
// # What it never does
//
// It grants nothing: which method needs which role is decided at the door. It keeps no session:
// TLS sessions are not resumed, so that an authority that was taken away is believed no more.
// It puts neither a token nor a word from within one into an error or a log.
//
// An identity is taken away by taking its entry out of the directory: from then on its calls are
// refused, on connections that are open, too. Whoever serves a stream asks now and then whether
// its caller is Still anybody.
package identity
