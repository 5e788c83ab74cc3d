package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fauna-login/fauna-login/config"
	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/spf13/cobra"
)

// adminFlags say which Fauna an administrative command acts on.
type adminFlags struct{ endpoint, secretFile string }

func (f *adminFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.endpoint, "endpoint", "", "Fauna's URL (default $FAUNA_ENDPOINT)")
	c.Flags().StringVar(&f.secretFile, "secret-file", "", "file with an admin secret (default the secret in $FAUNA_SECRET)")
}

// open makes an Admin of the flags or, failing them, of the ecosystem's own variables.
func (p *Program) open(f adminFlags) (*fqlx.Admin, error) {
	var missing []string
	endpoint := f.endpoint
	if endpoint == "" {
		endpoint, _ = p.getenv("FAUNA_ENDPOINT")
	}
	if endpoint == "" {
		missing = append(missing, "--endpoint or FAUNA_ENDPOINT is needed: Fauna's URL, such as http://127.0.0.1:8443")
	} else if err := config.CheckEndpoint(endpoint); err != nil {
		missing = append(missing, fmt.Sprintf("endpoint: %v", err))
	}
	secret, _ := p.getenv("FAUNA_SECRET")
	if f.secretFile != "" {
		var err error
		if secret, err = readSecret(f.secretFile); err != nil {
			missing = append(missing, fmt.Sprintf("--secret-file: %v", err))
		}
	} else if secret == "" {
		missing = append(missing, "--secret-file or FAUNA_SECRET is needed: an admin secret")
	}
	if len(missing) > 0 {
		return nil, &usageError{missing}
	}
	return fqlx.NewAdmin(fqlx.Config{Endpoint: endpoint, Secret: secret, Log: slog.New(slog.DiscardHandler)}), nil
}

func (p *Program) schemaCommand() *cobra.Command {
	return group("schema", "The FSL that the exchange needs, against any Fauna endpoint",
		p.schemaPushCommand(), p.schemaDiffCommand(), p.schemaShowCommand())
}

// schemaFlags say what to push.
type schemaFlags struct {
	adminFlags
	userCollection, dir string
	customDatabase      bool
}

func (f *schemaFlags) addFiles(c *cobra.Command) {
	c.Flags().StringVar(&f.userCollection, "user-collection", "User", "name of the user collection")
	c.Flags().StringVar(&f.dir, "dir", "", "directory of the app's own .fsl files, to go along")
	c.Flags().BoolVar(&f.customDatabase, "custom-database", false, "also "+fqlx.DatabaseFile+": accounts with passwords, for Auth0's custom database scripts")
}

// files checks the flags and reads the app's own files.
func (f *schemaFlags) files() ([]fqlx.File, error) {
	if err := config.CheckUserCollection(f.userCollection); err != nil {
		return nil, usagef("--user-collection: %v", err)
	}
	files, err := readFSL(f.dir)
	if err == nil && f.customDatabase && !hasFile(files, fqlx.DatabaseFile) {
		files = append(files, fqlx.DatabaseSchema())
	}
	return files, err
}

func hasFile(files []fqlx.File, name string) bool {
	return slices.ContainsFunc(files, func(file fqlx.File) bool { return file.Name == name })
}

func (p *Program) schemaPushCommand() *cobra.Command {
	var f schemaFlags
	c := &cobra.Command{
		Use:   "push",
		Short: "Show what changes, push it, and wait until all indexes are active",
		Long:  "push shows what changes, pushes it, and waits until all indexes are active.\n\n" + fqlx.OwnFile + " is replaced; " + fqlx.AppFile + " and " + fqlx.DatabaseFile + " are pushed only where they are not there yet, for they are yours to change; other files stay as they are.",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			admin, plan, err := p.plan(c.Context(), f)
			if err != nil {
				return err
			}
			if err := p.printDiff(plan); err != nil {
				return err
			}
			if err := admin.Push(c.Context(), plan); err != nil {
				return err
			}
			fmt.Fprintln(p.Stderr, "The schema is in place and its indexes are active.")
			return nil
		},
	}
	f.add(c)
	f.addFiles(c)
	return c
}

func (p *Program) schemaDiffCommand() *cobra.Command {
	var f schemaFlags
	c := &cobra.Command{
		Use:   "diff",
		Short: "Show what a push would change",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, plan, err := p.plan(c.Context(), f)
			if err != nil {
				return err
			}
			return p.printDiff(plan)
		},
	}
	f.add(c)
	f.addFiles(c)
	return c
}

func (p *Program) schemaShowCommand() *cobra.Command {
	var f schemaFlags
	c := &cobra.Command{
		Use:   "show",
		Short: "Print the FSL that would be pushed; asks no Fauna",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			files, err := f.files()
			if err != nil {
				return err
			}
			own, app := fqlx.Schema(f.userCollection)
			files = append([]fqlx.File{own, app}, files...)
			for i, file := range files {
				if hasFile(files[i+1:], file.Name) {
					continue // it takes this one's place
				}
				if _, err := fmt.Fprintf(p.Stdout, "// ---- %s\n\n%s\n", file.Name, file.Content); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f.addFiles(c)
	return c
}

// plan finds out what a push would change.
func (p *Program) plan(ctx context.Context, f schemaFlags) (*fqlx.Admin, *fqlx.Plan, error) {
	files, err := f.files()
	if err != nil {
		return nil, nil, err
	}
	admin, err := p.open(f.adminFlags)
	if err != nil {
		return nil, nil, err
	}
	plan, err := admin.Plan(ctx, f.userCollection, files...)
	return admin, plan, err
}

func (p *Program) printDiff(plan *fqlx.Plan) error {
	text := "No changes.\n"
	if len(plan.Files) > 0 {
		text = ""
		for _, file := range plan.Files {
			text += "file " + file.Name + "\n"
		}
		text += strings.TrimRight(plan.Diff, "\n") + "\n"
	}
	_, err := io.WriteString(p.Stdout, text)
	return err
}

// readFSL reads the .fsl files of a directory, by name.
func readFSL(dir string) ([]fqlx.File, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, usagef("--dir: %v", err)
	}
	var files []fqlx.File
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".fsl" || entry.IsDir() {
			continue
		}
		if entry.Name() == fqlx.OwnFile {
			return nil, usagef("--dir: %s is fauna-login's own file, take it out of %s", entry.Name(), dir)
		}
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, usagef("--dir: %v", err)
		}
		files = append(files, fqlx.File{Name: entry.Name(), Content: string(content)})
	}
	if len(files) == 0 {
		return nil, usagef("--dir: no .fsl files in %s", dir)
	}
	return files, nil
}

func (p *Program) keyCommand() *cobra.Command {
	return group("key", "The service's key, that of Auth0's custom database scripts, and those of the key ring", p.keyCreateCommand(), p.keyNewCommand())
}

// The roles that `key create` makes keys of: the service's, and that of Auth0's scripts.
const (
	serviceRole  = "token_exchange"
	databaseRole = "auth0_database"
)

// keyRole is what there is to know of a role for which a key is made.
type keyRole struct{ file, push, keep string }

var keyRoles = map[string]keyRole{
	serviceRole:  {fqlx.OwnFile, "fauna-login schema push", "where fauna.secret_file points"},
	databaseRole: {fqlx.DatabaseFile, "fauna-login schema push --custom-database", "among the settings of Auth0's custom database scripts"},
}

func (p *Program) keyCreateCommand() *cobra.Command {
	var f adminFlags
	var name string
	c := &cobra.Command{
		Use:   "create",
		Short: "Make a key of role token_exchange and print its secret, this once",
		Long: "create makes a key and prints its secret, this once. Of the role " + serviceRole + " it is the service's; of " + databaseRole + "\n" +
			"it is for the scripts of an Auth0 custom database, whose FSL must have been pushed.",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			role, known := keyRoles[name]
			if !known {
				return usagef("--role: expected %s or %s", serviceRole, databaseRole)
			}
			admin, err := p.open(f)
			if err != nil {
				return err
			}
			id, secret, err := admin.CreateKey(c.Context(), name)
			switch {
			case errors.Is(err, fqlx.ErrForbidden):
				return errors.New("the secret may not make keys: that takes an admin secret")
			case errors.Is(err, fqlx.ErrInvalid), errors.Is(err, fqlx.ErrFunction):
				return fmt.Errorf("the role %s is not there; push %s first: %s", name, role.file, role.push)
			case err != nil:
				return err
			}
			if _, err := fmt.Fprintln(p.Stdout, secret); err != nil {
				return fmt.Errorf("printing the secret of key %s, which nobody knows now, so delete it: %w", id, err)
			}
			fmt.Fprintf(p.Stderr, "Key %s of role %s. Keep its secret %s; it is not shown again.\n", id, name, role.keep)
			return nil
		},
	}
	f.add(c)
	c.Flags().StringVar(&name, "role", serviceRole, "role of the key: "+serviceRole+" or "+databaseRole)
	return c
}
