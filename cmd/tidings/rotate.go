package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"tidings/store"
)

// keysCmd groups what is done with the keys that seal secrets.
type keysCmd struct {
	Rotate rotateKeyCmd `cmd:"" help:"Add a new key; the server seals all secrets anew by it when it starts."`
}

// rotateKeyCmd adds a key to the file of the keys that seal secrets. The
// server reads the file when it starts, and seals anew what an older key has sealed.
type rotateKeyCmd struct {
	Data          string `placeholder:"DIR" help:"Data directory."`
	SecretKeyFile string `placeholder:"FILE" help:"File of the keys, when it is not tidings.key in the data directory."`
}

// Validate wants to know which file.
func (c *rotateKeyCmd) Validate() error {
	if c.Data == "" && c.SecretKeyFile == "" {
		return errors.New("--data or --secret-key-file is required")
	}
	return nil
}

// Run adds the key.
func (c *rotateKeyCmd) Run(term terminal) error {
	path := cmp.Or(c.SecretKeyFile, keyFileIn(c.Data))
	ring, err := store.RotateKeyring(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no key file %s: the server makes one when it starts", path)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(term.out, "%s has a new key now: %s.\nRestart the server: it seals all secrets by the new key and says so in its log. Then the older lines may go. "+
		"Keep them while backups from before are kept.\n", path, ring)
	return err
}
