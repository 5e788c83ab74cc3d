package exchange

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// cachedKeys is the last good key set of an issuer on disk, so that a restart during an
// outage of Auth0 has keys. The file decides which tokens are accepted: it is 0600 and
// read as critically as an answer from the network.
type cachedKeys struct {
	Issuer  string          `json:"issuer"`
	URL     string          `json:"url"`
	Fetched time.Time       `json:"fetched"`
	JWKS    json.RawMessage `json:"jwks"`
}

// cachePath names the file; an issuer's own characters never reach the file system.
func cachePath(dir, issuer string) string {
	sum := sha256.Sum256([]byte(issuer))
	return filepath.Join(dir, hex.EncodeToString(sum[:])+".json")
}

// load takes over the cached set. It returns nil when there is none, and an error when
// there is one that must not be used.
func (s *keySource) load() error {
	cached, err := readCache(cachePath(s.config.CacheDir, s.issuer))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	switch {
	case cached.Issuer != s.issuer:
		return fmt.Errorf("it is of issuer %q", cached.Issuer)
	case cached.URL != s.url: // the keys of the old URL ended with it
		return fmt.Errorf("it is from %q", cached.URL)
	case cached.Fetched.After(s.now()): // it would stay good for longer than max_stale
		return fmt.Errorf("it was fetched in the future, at %s", cached.Fetched)
	}
	set, err := parseKeySet(cached.JWKS, s.algorithms, cached.Fetched)
	if err != nil {
		return err
	}
	s.set.Store(set)
	return nil
}

func readCache(path string) (cached cachedKeys, err error) {
	f, err := os.Open(path)
	if err != nil {
		return cached, err
	}
	defer f.Close()
	return cached, json.NewDecoder(io.LimitReader(f, 2*maxJWKSBytes)).Decode(&cached)
}

// save writes the set beside the old file and renames it over. It does not sync: a file
// torn by a power cut fails to load, and Auth0 has the keys too.
func (s *keySource) save(raw []byte, fetched time.Time) error {
	data, err := json.Marshal(cachedKeys{Issuer: s.issuer, URL: s.url, Fetched: fetched, JWKS: raw})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.config.CacheDir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.config.CacheDir, ".jwks-*") // made 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), cachePath(s.config.CacheDir, s.issuer))
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
