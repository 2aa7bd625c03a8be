package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/manifoldmq/manifold/broker/security"
)

// Rights are permissions that are read elsewhere than in the options, such as in a directory, and
// read again from time to time. Security.Granted must say that there are some.
type Rights struct {
	// Read returns all of them. It may block until ctx ends.
	Read func(ctx context.Context) ([]security.Permission, error) // nil: there are none
	// Every is how often they are read; 0: at the start and at each reload only.
	Every time.Duration
	// Optional lets the broker start, or take a reload, without them. Nothing but the permissions
	// of Security is allowed then, until they can be read.
	Optional bool
}

// ErrRights is why a server does not start, or reload, whose rights can't be read.
var ErrRights = errors.New("the permissions could not be read")

// retryRights is how soon rights are read again after that failed, at the latest.
const retryRights = 10 * time.Second

// startRights reads the rights and follows them.
func (s *Server) startRights(ctx context.Context) error {
	list, err := s.fetchRights(ctx, &s.options.Rights)
	if err == nil {
		err = s.grant(ctx, list)
	}
	if err == nil {
		s.followRights(s.options.Rights)
	}
	return err
}

// reloadSecurity takes the users and permissions of other options, and rights that were read for
// them.
func (s *Server) reloadSecurity(o *Options, rights []security.Permission) error {
	s.followRights(Rights{}) // what is being read for the options of before is too late
	if err := s.security.Reload(o.Security); err != nil {
		return err
	}
	if o.Rights.Read == nil {
		s.hasRights.Store(false)
	}
	if err := s.grant(context.Background(), rights); err != nil {
		return err
	}
	s.followRights(o.Rights)
	return nil
}

// fetchRights reads the rights for a start or a reload. Where it fails, what was read before
// holds, if anything was; list is nil then.
func (s *Server) fetchRights(ctx context.Context, r *Rights) (list []security.Permission, err error) {
	if r.Read == nil {
		return nil, nil
	}
	list, err = r.Read(ctx)
	switch {
	case err == nil && list == nil:
		return []security.Permission{}, nil
	case err == nil:
		return list, nil
	case s.hasRights.Load() || r.Optional:
		s.missRights(err)
		return nil, nil
	default:
		return nil, fmt.Errorf("%w: %w", ErrRights, err)
	}
}

// missRights logs that rights could not be read.
func (s *Server) missRights(err error) {
	meanwhile := "only those of the configuration allow anything"
	if s.hasRights.Load() {
		meanwhile = "those that were read last hold"
	}
	s.options.Log.Warn("the permissions could not be read", "meanwhile", meanwhile, "error", err)
}

// grant takes rights that were read, unless ctx has ended meanwhile, and re-checks who is
// connected if they have changed. Of nil it takes no notice.
func (s *Server) grant(ctx context.Context, list []security.Permission) error {
	if list == nil {
		return nil
	}
	s.granting.Lock()
	defer s.granting.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	changed, err := s.security.Grant(list)
	if err != nil {
		return fmt.Errorf("the permissions that were read: %w", err)
	}
	s.hasRights.Store(true)
	if changed {
		s.options.Log.Info("permissions were read", "destinations", len(list))
		s.core.Recheck()
	}
	return nil
}

// followRights reads the rights from time to time, in place of those that were followed before,
// until the server closes.
func (s *Server) followRights(r Rights) {
	ctx, cancel := context.WithCancel(context.Background())
	s.mu.Lock()
	before, closed := s.unfollow, s.closed
	s.unfollow = cancel
	s.mu.Unlock()
	if before != nil {
		s.granting.Lock()
		before()
		s.granting.Unlock()
	}
	if closed || r.Read == nil || r.Every <= 0 {
		cancel()
		return
	}
	go s.follow(ctx, r)
}

// follow reads rights until ctx ends.
func (s *Server) follow(ctx context.Context, r Rights) {
	timer := time.NewTimer(r.Every)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		next := r.Every
		list, err := r.Read(ctx)
		if err == nil {
			err = s.grant(ctx, list)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.missRights(err)
			next = min(next, retryRights)
		}
		timer.Reset(next)
	}
}
