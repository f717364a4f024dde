package rpc

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// registry has what can be called from afar: methods by their names on the wire.
type registry struct {
	mu      sync.RWMutex
	methods map[string]*registered
}

// registered is a method under the name of its object.
type registered struct {
	object string
	*method
}

func (r *registry) find(name string) *registered {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.methods[name]
}

// object registers the methods of a value.
func (r *registry) object(name string, value any) error {
	if err := checkObjectName(name); err != nil {
		return err
	}
	if value == nil {
		return fmt.Errorf("the object is nil (%w)", os.ErrInvalid)
	}
	v := reflect.ValueOf(value)
	var methods []*method
	var unfit []string
	for i := range v.NumMethod() {
		m, err := newMethod(v.Type().Method(i).Name, v.Method(i))
		if err != nil {
			unfit = append(unfit, err.Error())
			continue
		}
		methods = append(methods, m)
	}
	if len(methods) == 0 {
		why := strings.Join(unfit, "; ")
		if why == "" {
			why = "does it need a pointer?"
		}
		return fmt.Errorf("%T has no method that can be called: %s (%w)", value, why, os.ErrInvalid)
	}
	return r.add(name, methods)
}

// function registers a function.
func (r *registry) function(name string, f any) error {
	if err := checkName(name); err != nil {
		return err
	}
	v := reflect.ValueOf(f)
	if v.Kind() != reflect.Func || v.IsNil() {
		return fmt.Errorf("%T is no function (%w)", f, os.ErrInvalid)
	}
	m, err := newMethod(name, v)
	if err != nil {
		return fmt.Errorf("%w (%w)", err, os.ErrInvalid)
	}
	return r.add("", []*method{m})
}

func (r *registry) add(object string, methods []*method) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range methods {
		if name := fullName(object, m.name); r.methods[name] != nil {
			return fmt.Errorf("%q is registered already (%w)", name, os.ErrExist)
		}
	}
	if r.methods == nil {
		r.methods = map[string]*registered{}
	}
	for _, m := range methods {
		r.methods[fullName(object, m.name)] = &registered{object, m}
	}
	return nil
}

// unknown says of a name what there is instead.
func (r *registry) unknown(name string) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	object, _, isMethod := strings.Cut(name, ".")
	var objects, methods []string
	for other, m := range r.methods {
		switch {
		case m.object == "":
			objects = append(objects, other)
		case isMethod && m.object == object:
			methods = append(methods, m.name)
		case !slices.Contains(objects, m.object):
			objects = append(objects, m.object)
		}
	}
	if len(methods) > 0 {
		return Errorf(CodeMethodNotFound, "%s has no method %q; it has %s", object, name[len(object)+1:], listed(methods))
	}
	return Errorf(CodeMethodNotFound, "there is no %q; there is %s", name, listed(objects))
}

// listed joins the first of many names.
func listed(names []string) string {
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return "nothing"
	case len(names) > 20:
		names = append(names[:20], "…")
	}
	return strings.Join(names, ", ")
}

// checkObjectName checks the name of an object, which stands in URLs.
func checkObjectName(name string) error {
	if i := strings.IndexAny(name, "/#?:%"); i >= 0 {
		return fmt.Errorf("%q has %q, which means something else in a URL such as pipe://app/Calc; an object's name has letters, digits and . _ - (%w)",
			name, name[i:i+1], os.ErrInvalid)
	}
	return checkName(name)
}

// checkName checks the name of an object or a function.
func checkName(name string) error {
	bad := strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '"' || r == '\\' })
	switch {
	case name == "" || len(name) > 200 || bad >= 0:
		return fmt.Errorf("a name has 1 to 200 characters, without spaces, quotes and backslashes; %q has not (%w)", name, os.ErrInvalid)
	case strings.Contains(name, "://"):
		return fmt.Errorf("%q is a URL; a function's name is the method that clients call, such as Add (%w)", name, os.ErrInvalid)
	case strings.HasPrefix(name, "rpc.") || name == "rpc" || strings.HasPrefix(name, "$"):
		return fmt.Errorf("names that begin with \"rpc.\" or \"$\" are the protocol's own, and %q does (%w)", name, os.ErrInvalid)
	}
	return nil
}
