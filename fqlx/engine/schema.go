package engine

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/eval"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// maxFiles is how many FSL files a database may have, main.fsl counted (Fauna: SchemaRequest).
const maxFiles = 1024

// schemaError is an answer of the schema endpoints, whose errors have no code.
type schemaError struct {
	status  int
	message string
}

func (e *schemaError) Error() string { return e.message }

var (
	errAccessDenied = &schemaError{http.StatusForbidden, "Access denied"}
	errNoSuchFile   = &schemaError{http.StatusNotFound, "Not found"}
	errNotMultipart = &schemaError{http.StatusBadRequest, "Request is not a valid multipart request"}
)

func badSchemaRequest(format string, args ...any) *schemaError {
	return &schemaError{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// schemaRoutes maps a path below /schema/1/ to its method and what answers it.
var schemaRoutes = map[string]struct {
	method string
	serve  func(*Engine, *schemaRequest) ([]byte, error)
}{
	"files":         {http.MethodGet, (*Engine).listFiles},
	"update":        {http.MethodPost, (*Engine).updateSchema},
	"diff":          {http.MethodPost, (*Engine).diffSchema},
	"validate":      {http.MethodPost, (*Engine).diffSchema},
	"status":        {http.MethodGet, (*Engine).schemaStatus},
	"staged/status": {http.MethodGet, (*Engine).schemaStatus},
}

// schemaRequest is a request to a schema endpoint, and who makes it.
type schemaRequest struct {
	w      http.ResponseWriter
	r      *http.Request
	query  url.Values
	secret string
	file   string // of files/{name}
}

// serveSchema answers /schema/1/path. Reading is for the roles admin, server and
// server-readonly, pushing for admin.
func (e *Engine) serveSchema(w http.ResponseWriter, r *http.Request, path string) {
	body, err := e.schemaAnswer(w, r, path)
	if err != nil {
		e.failSchema(w, err)
		return
	}
	writeJSON(w, http.StatusOK, body)
}

func (e *Engine) schemaAnswer(w http.ResponseWriter, r *http.Request, path string) ([]byte, error) {
	req := &schemaRequest{w: w, r: r, query: r.URL.Query(), secret: readSecret(r.Header)}
	route, ok := schemaRoutes[path]
	if name, isFile := strings.CutPrefix(path, "files/"); isFile {
		route.method, route.serve, ok = http.MethodGet, (*Engine).readFile, true
		req.file = name
	}
	caller, err := e.db.Authenticate(r.Context(), req.secret, false)
	switch {
	case err != nil:
		return nil, err
	case !caller.ReadsSchema():
		return nil, errAccessDenied
	case !ok && isUnsupportedSchemaPath(path):
		return nil, badSchemaRequest("/schema/1/%s is not supported by this engine", path)
	case !ok:
		return nil, errNoSuchFile
	case r.Method != route.method:
		w.Header().Set("Allow", route.method)
		return nil, &schemaError{http.StatusMethodNotAllowed, "Method not allowed"}
	case r.Method == http.MethodPost && !caller.Admin():
		return nil, errAccessDenied // before its files are read
	}
	return route.serve(e, req)
}

func isUnsupportedSchemaPath(path string) bool {
	root, _, _ := strings.Cut(path, "/")
	return slices.Contains([]string{"items", "commit", "abandon", "staged"}, root)
}

// failSchema answers an error in the form of the schema endpoints.
func (e *Engine) failSchema(w http.ResponseWriter, err error) {
	var answer *schemaError
	var protocol *protocolError
	var refused *eval.SchemaError
	var contended *eval.Contended
	switch {
	case errors.As(err, &answer):
	case errors.As(err, &refused):
		answer = badSchemaRequest("%s", refused.Message)
	case errors.As(err, &contended):
		answer = &schemaError{http.StatusConflict, contended.Error()}
	case errors.Is(err, eval.ErrStaleVersion):
		answer = &schemaError{http.StatusConflict, "Stale schema version provided"}
	case errors.Is(err, eval.ErrForbidden):
		answer = errAccessDenied
	case errors.As(err, &protocol):
		answer = &schemaError{protocol.status, protocol.message}
	case errors.Is(err, eval.ErrUnauthorized):
		answer = &schemaError{http.StatusUnauthorized, errUnauthorized.message}
		w.Header().Set("WWW-Authenticate", "Bearer")
	default:
		e.fail(w, err, "")
		return
	}
	b := value.AppendJSONString([]byte(`{"error":{"message":`), answer.message)
	writeJSON(w, answer.status, append(b, "}}"...))
}

func (e *Engine) listFiles(req *schemaRequest) ([]byte, error) {
	s, err := e.db.Schema(req.r.Context())
	if err != nil {
		return nil, err
	}
	b := appendInt(nil, `{"version":`, s.Version)
	b = append(b, `,"files":[`...)
	for i, f := range s.Files {
		if i > 0 {
			b = append(b, ',')
		}
		b = value.AppendJSONString(append(b, `{"filename":`...), f.Name)
		b = append(b, '}')
	}
	return append(b, "]}"...), nil
}

func (e *Engine) readFile(req *schemaRequest) ([]byte, error) {
	s, err := e.db.Schema(req.r.Context())
	if err != nil {
		return nil, err
	}
	for _, f := range s.Files {
		if f.Name == req.file {
			b := appendInt(nil, `{"version":`, s.Version)
			b = value.AppendJSONString(append(b, `,"content":`...), f.Content)
			return append(b, '}'), nil
		}
	}
	return nil, errNoSuchFile
}

// schemaStatus: a push is active when it is answered, so nothing is ever staged.
func (e *Engine) schemaStatus(req *schemaRequest) ([]byte, error) {
	s, err := e.db.Schema(req.r.Context())
	if err != nil {
		return nil, err
	}
	b := appendInt(nil, `{"version":`, s.Version)
	return append(b, `,"status":"none"}`...), nil
}

func (e *Engine) updateSchema(req *schemaRequest) ([]byte, error) {
	push, err := req.push()
	if err != nil {
		return nil, err
	}
	res, err := e.db.Push(req.r.Context(), req.secret, push)
	if err != nil {
		return nil, err
	}
	return append(appendInt(nil, `{"version":`, res.Version), '}'), nil
}

// diffSchema answers diff and validate: what a push would change, or why it would fail.
func (e *Engine) diffSchema(req *schemaRequest) ([]byte, error) {
	format, err := req.diffFormat()
	if err != nil {
		return nil, err
	}
	push, err := req.push()
	if err != nil {
		return nil, err
	}
	push.DryRun = true
	res, err := e.db.Push(req.r.Context(), req.secret, push)
	if err != nil {
		return nil, err
	}
	b := appendInt(nil, `{"version":`, res.Version)
	b = value.AppendJSONString(append(b, `,"diff":`...), res.Diff(format))
	return append(b, '}'), nil
}

// diffFormat reads `format`, or `diff`, its other name.
func (req *schemaRequest) diffFormat() (string, error) {
	format := req.query.Get("format")
	if format == "" {
		format = req.query.Get("diff")
	}
	switch format {
	case "", "true", "semantic":
		return "semantic", nil
	case "summary":
		return "summary", nil
	case "textual":
		return "", badSchemaRequest("The format textual is not supported by this engine")
	}
	return "", badSchemaRequest("Invalid format `%s`", format)
}

// push reads the parameters and files of a push.
func (req *schemaRequest) push() (eval.PushRequest, error) {
	push := eval.PushRequest{Override: true}
	staged := false
	for name, into := range map[string]*bool{"force": &push.Force, "override": &push.Override, "staged": &staged} {
		text := req.query.Get(name)
		if text == "" {
			continue
		}
		b, err := strconv.ParseBool(text)
		if err != nil {
			return push, badSchemaRequest("Invalid value of `%s`", name)
		}
		*into = b
	}
	if staged {
		return push, badSchemaRequest("A staged schema (staged=true) is not supported by this engine")
	}
	if text := req.query.Get("version"); text != "" {
		version, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return push, badSchemaRequest("Invalid value of `version`")
		}
		push.Version = version
	}
	files, err := req.files()
	push.Files = files
	return push, err
}

// files reads the parts of a multipart body; the name of each is that of a file.
func (req *schemaRequest) files() ([]schema.File, error) {
	req.r.Body = http.MaxBytesReader(req.w, req.r.Body, maxBody)
	parts, err := req.r.MultipartReader()
	if err != nil {
		return nil, errNotMultipart
	}
	files := []schema.File{}
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, multipartError(err)
		}
		file, err := readPart(part)
		switch {
		case err != nil:
			return nil, err
		case slices.ContainsFunc(files, func(f schema.File) bool { return f.Name == file.Name }):
			return nil, badSchemaRequest("The file `%s` is there twice", file.Name)
		case len(files) == maxFiles:
			return nil, badSchemaRequest("Too many files")
		}
		files = append(files, file)
	}
}

func readPart(part *multipart.Part) (schema.File, error) {
	name := part.FormName()
	if !isFileName(name) {
		return schema.File{}, badSchemaRequest("Invalid filename `%s`", name)
	}
	content, err := io.ReadAll(part)
	if err != nil {
		return schema.File{}, multipartError(err)
	}
	return schema.File{Name: name, Content: string(content)}, nil
}

// isFileName reports whether name ends in .fsl and has nothing odd in it. Names with a star
// in front are those of sources that are no files.
func isFileName(name string) bool {
	plain := !strings.ContainsFunc(name, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\\' })
	return plain && strings.HasSuffix(name, ".fsl") && !strings.HasPrefix(name, "*") && len(name) <= 255
}

func multipartError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return errTooLarge
	}
	return errNotMultipart
}
