package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/manifoldmq/manifold/cmd/manifold/accounts"
	"github.com/manifoldmq/manifold/cmd/manifold/config"
	"github.com/manifoldmq/manifold/cmd/manifold/sysexit"
)

func (a *app) userCommand() *cobra.Command {
	cmd := group("user", "Hash passwords and edit the users file",
		a.userHashCommand(), a.userAddCommand(), a.userRemoveCommand(), a.userListCommand())
	cmd.Long = `Hashes passwords and edits the files that security.users_file and security.groups_file name.
Passwords are read from the terminal without showing them, or from standard input; they are never
taken from the command line and never printed. A running broker reads the files at a reload.`
	return cmd
}

// userFiles are the flags that name the two files.
type userFiles struct {
	config        *configFlags
	users, groups string
}

func (a *app) addUserFlags(cmd *cobra.Command) *userFiles {
	f := &userFiles{config: a.addConfigFlags(cmd, true)}
	cmd.Flags().StringVar(&f.users, "file", "", "users `file` (default: security.users_file of the configuration)")
	cmd.Flags().StringVar(&f.groups, "groups-file", "", "groups `file` (default: security.groups_file of the configuration)")
	return f
}

// resolve completes the names from the configuration.
func (f *userFiles) resolve() error {
	if f.users != "" && f.groups != "" {
		return nil
	}
	loaded, err := f.config.load()
	if err != nil {
		return err
	}
	if f.users == "" {
		f.users = loaded.Config.Security.UsersFile
	}
	if f.groups == "" {
		f.groups = loaded.Config.Security.GroupsFile
	}
	if f.users == "" {
		return sysexit.Errorf(sysexit.Usage, "no users file: name one with --file, or in the configuration with security.users_file")
	}
	return nil
}

func (a *app) userHashCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "hash", Short: "Read a password and print its bcrypt hash, for security.users",
		Args: cobra.NoArgs,
	}
	cost := addCostFlag(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		hash, err := a.readHash(*cost)
		if err == nil {
			_, err = fmt.Fprintln(a.out, hash)
		}
		return err
	}
	return cmd
}

func (a *app) userAddCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add a user, or give one a new password",
		Args: cobra.ExactArgs(1),
	}
	files, cost := a.addUserFlags(cmd), addCostFlag(cmd)
	groups := cmd.Flags().StringSlice("groups", nil, "put the user into exactly these `groups`")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name := args[0]
		for _, n := range append([]string{name}, *groups...) {
			if err := accounts.CheckName(n); err != nil {
				return sysexit.Errorf(sysexit.Usage, "%q: %w", n, err)
			}
		}
		if err := files.resolve(); err != nil {
			return err
		}
		setGroups := cmd.Flags().Changed("groups")
		if setGroups && files.groups == "" {
			return sysexit.Errorf(sysexit.Usage, "no groups file: name one with --groups-file, or in the configuration with security.groups_file")
		}
		users, err := accounts.Open(files.users)
		if err != nil {
			return err
		}
		hash, err := a.readHash(*cost)
		if err != nil {
			return err
		}
		users.Set(name, hash)
		if err := users.Save(); err != nil {
			return sysexit.With(sysexit.CantCreate, err)
		}
		if !setGroups {
			return nil
		}
		return editGroups(files.groups, name, *groups)
	}
	return cmd
}

func (a *app) userRemoveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Remove a user, also from all groups",
		Args: cobra.ExactArgs(1),
	}
	files := a.addUserFlags(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if err := files.resolve(); err != nil {
			return err
		}
		users, err := accounts.Open(files.users)
		if err != nil {
			return err
		}
		if !users.Remove(args[0]) {
			return sysexit.Errorf(sysexit.Data, "%s has no user %q", files.users, args[0])
		}
		if err := users.Save(); err != nil {
			return sysexit.With(sysexit.CantCreate, err)
		}
		if files.groups == "" {
			return nil
		}
		return editGroups(files.groups, args[0], nil)
	}
	return cmd
}

func editGroups(file, user string, in []string) error {
	groups, err := accounts.Open(file)
	if err != nil {
		return err
	}
	groups.SetGroups(user, in)
	return sysexit.With(sysexit.CantCreate, groups.Save())
}

func (a *app) userListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List users and their groups", Args: cobra.NoArgs}
	files := a.addUserFlags(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(*cobra.Command, []string) error {
		if err := files.resolve(); err != nil {
			return err
		}
		all, err := accounts.Read(files.users, files.groups)
		if err != nil {
			return err
		}
		type row struct {
			Name   string   `json:"name"`
			Groups []string `json:"groups"`
			Hashed bool     `json:"hashed"`
		}
		rows := []row{}
		for _, u := range all {
			rows = append(rows, row{u.Name, append([]string{}, u.Groups...), config.IsHash(u.Password)})
		}
		if *asJSON {
			return a.printJSON(rows)
		}
		table := tabwriter.NewWriter(a.out, 0, 8, 2, ' ', 0)
		fmt.Fprintln(table, "NAME\tGROUPS\tPASSWORD")
		for _, r := range rows {
			password := "in clear"
			if r.Hashed {
				password = "hashed"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\n", r.Name, strings.Join(r.Groups, ","), password)
		}
		return table.Flush()
	}
	return cmd
}

func addCostFlag(cmd *cobra.Command) *int {
	return cmd.Flags().Int("cost", accounts.DefaultCost, "bcrypt cost; each step doubles the time of a login")
}

// readHash reads a password and hashes it.
func (a *app) readHash(cost int) (string, error) {
	if cost < accounts.MinCost || cost > accounts.MaxCost {
		return "", sysexit.Errorf(sysexit.Usage, "--cost is between %d and %d", accounts.MinCost, accounts.MaxCost)
	}
	password, err := a.readPassword()
	if err != nil {
		return "", sysexit.With(sysexit.Data, err)
	}
	hash, err := accounts.Hash(password, cost)
	return hash, sysexit.With(sysexit.Data, err)
}

// readPassword asks twice on a terminal, and reads one line elsewhere.
func (a *app) readPassword() (string, error) {
	lines := bufio.NewReader(a.in)
	if file, ok := a.in.(*os.File); ok {
		var first, second string
		tty, err := withoutEcho(file, func() (err error) {
			if first, err = a.prompt(lines, "Password: "); err == nil {
				second, err = a.prompt(lines, "Again: ")
			}
			return err
		})
		if err == nil && first != second {
			err = errors.New("the two passwords differ")
		}
		if tty {
			return first, err
		}
	}
	return readLine(lines)
}

func (a *app) prompt(lines *bufio.Reader, text string) (string, error) {
	fmt.Fprint(a.err, text)
	line, err := readLine(lines)
	fmt.Fprintln(a.err)
	return line, err
}

func readLine(lines *bufio.Reader) (string, error) {
	line, err := lines.ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		err = nil
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("no password on standard input")
	}
	return strings.TrimRight(line, "\r\n"), err
}
