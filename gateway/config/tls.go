// SPDX-License-Identifier: Apache-2.0

package config

// TLS is what a listener or a stream presents and takes.
type TLS struct {
	// Certificates by name. The first that fits the name that the client asks for
	// is presented, or else the first. With none, one is made, which no client
	// trusts.
	Certificates []string `yaml:"certificates,omitempty"`
	MinVersion   Version  `yaml:"minVersion,omitempty"`
	// Client says whose certificates open a connection. Nil: nobody is asked for one.
	Client *ClientCertificates `yaml:"client,omitempty"`
}

// ClientCertificates are what clients identify themselves with. A certificate that
// was shown must hold in every mode but Fallback.
type ClientCertificates struct {
	Mode CertificateMode `yaml:"mode,omitempty"`
	// CAFiles are PEM bundles of the authorities that sign for clients, CRLFiles
	// their lists of what they have taken back. With a list, every authority of a
	// chain must have one that has not ended.
	CAFiles  []string `yaml:"caFiles,omitempty"`
	CRLFiles []string `yaml:"crlFiles,omitempty"`
	// Allow are names of which a certificate must have one. None: every certificate
	// that the authorities have signed.
	Allow Names    `yaml:"allow,omitempty"`
	CAs   [][]byte `yaml:"-"` // contents of CAFiles
	CRLs  [][]byte `yaml:"-"` // contents of CRLFiles
}

// CertificateMode tells whether a client must have a certificate.
type CertificateMode string

// Require is the zero value as well. With Optional, access policies see who has
// shown none. With Fallback, whoever shows one that does not hold is let in as if he had
// shown none: nothing but access policies keeps anybody out.
const (
	Require  CertificateMode = "Require"
	Optional CertificateMode = "Optional"
	Fallback CertificateMode = "Fallback"
)

// Names are subject alternative names (RFC 5280, section 4.2.1.6).
type Names struct {
	DNS    []string `yaml:"dns,omitempty"`    // in lower case; "*." stands for one label
	URIs   []string `yaml:"uris,omitempty"`   // whole, or up to a final "/*"
	Emails []string `yaml:"emails,omitempty"` // whole
}

// None tells whether there is no name.
func (n *Names) None() bool { return len(n.DNS)+len(n.URIs)+len(n.Emails) == 0 }

// HSTS is a Strict-Transport-Security header (RFC 6797).
type HSTS struct {
	MaxAge     Duration `yaml:"maxAge"` // whole seconds, at least one
	SubDomains bool     `yaml:"includeSubDomains,omitempty"`
	Preload    bool     `yaml:"preload,omitempty"` // for the lists of browsers, which want SubDomains and a year
}

// BackendTLS is how a backend is spoken to by TLS. Its certificate is always
// verified.
type BackendTLS struct {
	// ServerName is the name that the backend is asked for (SNI), and that its
	// certificate must have unless Identities are given.
	ServerName string   `yaml:"serverName"`
	CAFiles    []string `yaml:"caFiles,omitempty"` // PEM bundles of authorities; none: the system's
	// Identities are names of which the certificate must have one.
	Identities        Names    `yaml:"identities,omitempty"`
	ClientCertificate string   `yaml:"clientCertificate,omitempty"` // a certificate by name, shown to backends that ask
	MinVersion        Version  `yaml:"minVersion,omitempty"`
	CAs               [][]byte `yaml:"-"` // contents of CAFiles
}

// Version is a version of TLS.
type Version string

// TLS12, which is the zero value as well, is the oldest that is spoken at all
// (RFC 8996).
const (
	TLS12 Version = "1.2"
	TLS13 Version = "1.3"
)

// Certificate is a chain with its key, as PEM. A file gives file names; Load
// fills in the rest.
type Certificate struct {
	Name string `yaml:"name"`
	// Hosts are names of it for which it is presented, "*." for one label. None: all that
	// it has, and where nobody has a certificate.
	Hosts    []string `yaml:"hosts,omitempty"`
	CertFile string   `yaml:"certFile,omitempty"`
	KeyFile  string   `yaml:"keyFile,omitempty"`
	Cert     []byte   `yaml:"-"`
	Key      Secret   `yaml:"-"`
	At       Error    `yaml:"-"` // where faults of it are told; nowhere, if it is of no file
	// Alone has the configuration be served when this certificate cannot be used: nobody is
	// shown it then, and handshakes that need it fail. It is one tenant's, and the rest is
	// others'. A file's is never alone: who wrote it wants to know.
	Alone bool `yaml:"-"`
}
