package httpserve

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	caLife    = 5 * 365 * 24 * time.Hour
	leafLife  = 90 * 24 * time.Hour
	renewLeft = 30 * 24 * time.Hour // a certificate with less than this left is made anew
)

// DevelopmentCA gives a TLS configuration for localhost, 127.0.0.1, ::1 and the
// given hosts, from a certificate authority that it makes in dir on first use
// (keys 0600), and the path of the authority's certificate. The authority is
// constrained to these hosts, so that trusting it risks nothing else. It is for
// development and the demo; nothing in a house that serves others rests on it.
func DevelopmentCA(dir string, now time.Time, hosts ...string) (*tls.Config, string, error) {
	hosts = allHosts(hosts)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("development certificates: %w", err)
	}
	caPath, leafPath := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "leaf.pem")
	ca, caErr := loadPair(caPath)
	leaf, leafErr := loadPair(leafPath)
	for _, err := range []error{caErr, leafErr} {
		if errors.Is(err, errExposed) {
			return nil, "", err
		}
	}
	if caErr != nil || covers(ca, ca.Leaf, now, nil) != nil {
		ca = nil
	}
	if ca != nil && leafErr == nil && covers(ca, leaf.Leaf, now, hosts) == nil {
		return &tls.Config{Certificates: []tls.Certificate{*leaf}}, caPath, nil
	}
	for range 2 { // an authority whose constraints miss a host is made anew
		if ca == nil {
			var err error
			if ca, err = makeCA(caPath, now, hosts); err != nil {
				return nil, "", err
			}
		}
		leaf, err := makeLeaf(leafPath, ca, now, hosts)
		if err != nil {
			return nil, "", err
		}
		if covers(ca, leaf.Leaf, now, hosts) == nil {
			return &tls.Config{Certificates: []tls.Certificate{*leaf}}, caPath, nil
		}
		ca = nil
	}
	return nil, "", errors.New("development certificates: a host name is not valid")
}

func allHosts(more []string) []string {
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	for _, h := range more {
		if h != "" && !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// covers verifies a certificate for all hosts, now and when it is due for renewal.
func covers(ca *tls.Certificate, cert *x509.Certificate, now time.Time, hosts []string) error {
	roots := x509.NewCertPool()
	roots.AddCert(ca.Leaf)
	for _, at := range []time.Time{now, now.Add(renewLeft)} {
		options := x509.VerifyOptions{Roots: roots, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
		if _, err := cert.Verify(options); err != nil {
			return err
		}
	}
	for _, h := range hosts {
		if err := cert.VerifyHostname(h); err != nil {
			return err
		}
	}
	return nil
}

func makeCA(path string, now time.Time, hosts []string) (*tls.Certificate, error) {
	c := template(now, caLife)
	c.Subject = pkix.Name{CommonName: "Lendkeep development authority", Organization: []string{"Lendkeep (this machine only)"}}
	c.IsCA, c.BasicConstraintsValid, c.MaxPathLenZero = true, true, true
	c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	c.PermittedDNSDomainsCritical = true
	for _, h := range hosts {
		if a, err := netip.ParseAddr(h); err == nil {
			c.PermittedIPRanges = append(c.PermittedIPRanges, &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())})
		} else {
			c.PermittedDNSDomains = append(c.PermittedDNSDomains, h)
		}
	}
	return issue(path, c, nil)
}

func makeLeaf(path string, ca *tls.Certificate, now time.Time, hosts []string) (*tls.Certificate, error) {
	c := template(now, leafLife)
	c.Subject = pkix.Name{CommonName: "Lendkeep development server"}
	c.KeyUsage = x509.KeyUsageDigitalSignature
	c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	c.BasicConstraintsValid = true
	for _, h := range hosts {
		if a, err := netip.ParseAddr(h); err == nil {
			c.IPAddresses = append(c.IPAddresses, a.AsSlice())
		} else {
			c.DNSNames = append(c.DNSNames, h)
		}
	}
	return issue(path, c, ca)
}

func template(now time.Time, life time.Duration) *x509.Certificate {
	serial := make([]byte, 16)
	rand.Read(serial)
	serial[0] &= 0x7f
	return &x509.Certificate{SerialNumber: new(big.Int).SetBytes(serial), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(life)}
}

// issue makes a key and its certificate, by the authority or (nil) by itself,
// and writes path and path's key file.
func issue(path string, c *x509.Certificate, ca *tls.Certificate) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("development certificates: %w", err)
	}
	parent, signer := c, any(key)
	if ca != nil {
		parent, signer = ca.Leaf, ca.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("development certificates: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("development certificates: %w", err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := replace(keyPath(path), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600); err != nil {
		return nil, err
	}
	if err := replace(path, certPEM, 0o644); err != nil {
		return nil, err
	}
	return loadPair(path)
}

func keyPath(path string) string { return path[:len(path)-len(".pem")] + ".key" }

// replace writes a file in one step, so that a reader sees the old or the new.
func replace(path string, data []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return fmt.Errorf("development certificates: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("development certificates: %w", err)
	}
	return nil
}

var errExposed = errors.New("development certificates: a key file can be read by others; delete it, or allow it to its owner only (chmod 600)")

func loadPair(path string) (*tls.Certificate, error) {
	info, err := os.Stat(keyPath(path))
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, errExposed
	}
	certPEM, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	keyPEM, err := os.ReadFile(keyPath(path))
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(bytes.TrimSpace(certPEM), keyPEM)
	if err != nil {
		return nil, err
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, err
		}
	}
	return &pair, nil
}
