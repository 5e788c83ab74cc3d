package fqlx

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Admin acts on a database with an administrator's secret: it pushes FSL, makes keys, lists and
// ends sessions, and blocks users.
type Admin struct {
	client   *Client
	endpoint string
	secret   string
	http     *http.Client
	wait     time.Duration
}

// NewAdmin makes an Admin. c.Secret must be one of the role admin, or server for sessions and
// users; c.Timeout bounds one request, 0 is 30 s.
func NewAdmin(c Config) *Admin {
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.Transport == nil {
		c.Transport = httpTransport(c.Timeout)
	}
	return &Admin{
		client:   New(c),
		endpoint: strings.TrimSuffix(c.Endpoint, "/"),
		secret:   c.Secret,
		http:     &http.Client{Transport: c.Transport, Timeout: c.Timeout},
		wait:     250 * time.Millisecond,
	}
}

// Plan is a push that has been looked at: what it would change, and against which version of
// the database's schema.
type Plan struct {
	Files   []File
	Version int64
	// Diff is Fauna's description of the changes, empty when there is none.
	Diff string
}

// Plan finds out what a push of the exchange's FSL and of the app's own files would change. A
// file that is there with the same text is left out, one that is pushed once also with another.
// The app's file of [Schema] loses its collection when the database has that one. A later file
// takes the place of an earlier one of its name.
func (a *Admin) Plan(ctx context.Context, userCollection string, own ...File) (*Plan, error) {
	ours, app := Schema(userCollection)
	// Asked before the list of files: what another push adds in between is then on the list.
	app, err := a.fit(ctx, app, userCollection)
	if err != nil {
		return nil, err
	}
	present, version, err := a.files(ctx)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Version: version}
	wanted := append([]File{ours, app}, own...)
	for i, file := range wanted {
		if slices.ContainsFunc(wanted[i+1:], func(later File) bool { return later.Name == file.Name }) {
			continue
		}
		if slices.Contains(present, file.Name) {
			if file.Once {
				continue
			}
			content, err := a.content(ctx, file.Name)
			if err != nil {
				return nil, err
			}
			if content == file.Content {
				continue
			}
		}
		plan.Files = append(plan.Files, file)
	}
	if len(plan.Files) == 0 {
		return plan, nil
	}
	var answer struct{ Diff string }
	if err := a.upload(ctx, "diff", plan, &answer); err != nil {
		return nil, err
	}
	plan.Diff = answer.Diff
	return plan, nil
}

// fit cuts from the app's file what the database declares elsewhere.
func (a *Admin) fit(ctx context.Context, app File, userCollection string) (File, error) {
	exists, err := a.client.query(ctx, "Collection.byName(${name}).exists()", map[string]any{"name": userCollection})
	if err != nil {
		return File{}, err
	}
	if exists == true {
		app = withoutCollection(app)
	}
	return app, nil
}

// Push carries a plan out and returns when all indexes answer. It refuses, with Fauna's 409,
// when the schema has changed since the plan was made. Other files stay as they are.
func (a *Admin) Push(ctx context.Context, plan *Plan) error {
	if len(plan.Files) > 0 {
		if err := a.upload(ctx, "update", plan, nil); err != nil {
			return err
		}
	}
	return a.awaitIndexes(ctx)
}

// awaitIndexes waits until no index is being built any more. Fauna builds those of large
// collections in the background.
func (a *Admin) awaitIndexes(ctx context.Context) error {
	const pending = `Collection.all().toArray().flatMap(c => Object.values(c.indexes ?? {}).map(.status)).filter(s => s == "pending").length`
	for {
		n, err := a.client.query(ctx, pending, nil)
		if err != nil {
			return err
		}
		if n == int64(0) {
			return nil
		}
		if err := pause(ctx, a.wait); err != nil {
			return fmt.Errorf("waiting for %v indexes: %w", n, err)
		}
	}
}

// CreateKey makes a key of a role and returns its secret, which is shown this once.
func (a *Admin) CreateKey(ctx context.Context, role string) (id, secret string, err error) {
	data, err := a.client.query(ctx, "Key.create({ role: ${role} }) { id, secret }", map[string]any{"role": role})
	if err != nil {
		return "", "", err
	}
	fields, _ := data.(map[string]any)
	id, ok1 := fields["id"].(string)
	secret, ok2 := fields["secret"].(string)
	if !ok1 || !ok2 {
		return "", "", fmt.Errorf("%w: Key.create() answered another shape", ErrInvalid)
	}
	return id, secret, nil
}

// files returns the names of the database's FSL files and the version of its schema.
func (a *Admin) files(ctx context.Context) ([]string, int64, error) {
	var answer struct {
		Version int64
		Files   []struct{ Filename string }
	}
	if err := a.call(ctx, http.MethodGet, "files", nil, "", &answer); err != nil {
		return nil, 0, err
	}
	names := make([]string, len(answer.Files))
	for i, f := range answer.Files {
		names[i] = f.Filename
	}
	return names, answer.Version, nil
}

func (a *Admin) content(ctx context.Context, name string) (string, error) {
	var answer struct{ Content string }
	err := a.call(ctx, http.MethodGet, "files/"+url.PathEscape(name), nil, "", &answer)
	return answer.Content, err
}

// upload posts the plan's files to one of the schema endpoints, other files staying as they
// are, and only if the schema still has the plan's version.
func (a *Admin) upload(ctx context.Context, endpoint string, plan *Plan, answer any) error {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, file := range plan.Files {
		part, err := form.CreateFormFile(file.Name, file.Name)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(part, file.Content); err != nil {
			return err
		}
	}
	if err := form.Close(); err != nil {
		return err
	}
	query := url.Values{"override": {"false"}, "version": {strconv.FormatInt(plan.Version, 10)}}
	return a.call(ctx, http.MethodPost, endpoint+"?"+query.Encode(), &body, form.FormDataContentType(), answer)
}

// SchemaError is Fauna's refusal of a schema request, with its rendered diagnostics.
type SchemaError struct {
	Status  int
	Message string
}

func (e *SchemaError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("the answer has status %d and is not Fauna's", e.Status)
	}
	return e.Message
}

// call makes one request to /schema/1.
func (a *Admin) call(ctx context.Context, method, path string, body io.Reader, contentType string, answer any) error {
	req, err := http.NewRequestWithContext(ctx, method, a.endpoint+"/schema/1/"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+a.secret)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := a.http.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%w: reading the answer: %w", ErrUnavailable, err)
	}
	if res.StatusCode != http.StatusOK {
		return schemaError(res.StatusCode, text)
	}
	if answer == nil {
		return nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, errNotFauna)
	}
	return nil
}

func schemaError(status int, body []byte) error {
	var shape struct{ Error struct{ Message string } }
	_ = json.Unmarshal(body, &shape) // what is not Fauna's has no message
	switch {
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fmt.Errorf("%w: %w", ErrUnauthorized, &SchemaError{status, shape.Error.Message})
	case status >= 500:
		return fmt.Errorf("%w: %w", ErrUnavailable, &SchemaError{status, shape.Error.Message})
	}
	return fmt.Errorf("fauna refuses the schema: %w", &SchemaError{status, shape.Error.Message})
}
