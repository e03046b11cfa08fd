package doctor

import "time"

// soon is how long before its end a certificate should have been renewed; a tenth of its
// life if that is shorter. What renews in time comes earlier: hachi up has 4.6 days left.
const soon = 4 * 24 * time.Hour

// judgeCertificates reports certificates that cannot be used, or not for long.
func judgeCertificates(f Facts, out *findings) {
	const renew = "`hachi certs renew`, or what issues your certificates; processes read new files within a second"
	for _, c := range f.Certificates {
		left, life := c.Until.Sub(f.Now), c.Until.Sub(c.From)
		switch {
		case c.Err != "":
			out.add(Fault, c.Where, "issue it again: `hachi certs issue`", "it cannot be used: %s", c.Err)
		case left <= 0:
			out.add(Fault, c.Where, renew, "the certificate ended at %s", c.Until.UTC().Format(time.RFC3339))
		case c.From.After(f.Now):
			out.add(Fault, c.Where, "set this machine's clock, or wait", "the certificate begins at %s", c.From.UTC().Format(time.RFC3339))
		case left < min(soon, life/10):
			out.add(Warning, c.Where, renew, "the certificate ends in %s, at %s", left.Round(time.Minute), c.Until.UTC().Format(time.RFC3339))
		}
		if c.KeyMode&0o077 != 0 {
			out.add(Fault, c.Where, "`chmod 600` the key, and issue the certificate again if others had access", "others may read the private key: its mode is %#o", c.KeyMode)
		}
	}
}
