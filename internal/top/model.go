package top

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/hachi-serve/hachi/internal/status"
)

// Source reads the state of a cluster: status.Source's Look.
type Source func(context.Context) status.State

// state is what the pages show.
type state struct {
	status.State
	latest         status.Sample
	running, ended []status.Request
	history        []float64 // rows per second, the newest last
}

// maxHistory bounds the line of the overview.
const maxHistory = 240

// page is one of the views.
type page struct {
	name  string
	lines func(s state, width int) []string
}

func pages() []page {
	return []page{{"overview", overview}, {"experts", experts}, {"nodes", nodes}, {"requests", requests}}
}

// model implements tea.Model.
type model struct {
	ctx      context.Context
	read     Source
	every    time.Duration
	recorder *status.Recorder
	state    state
	page     int
	top      int // first line that is shown
	paused   bool

	width, height int
}

func newModel(ctx context.Context, read Source, every time.Duration) model {
	return model{ctx: ctx, read: read, every: every, recorder: status.NewRecorder()}
}

// Messages.
type (
	arrived struct{ status.State }
	due     struct{}
)

// Init implements tea.Model.
func (m model) Init() tea.Cmd { return m.fetch }

// fetch reads the state once.
func (m model) fetch() tea.Msg { return arrived{m.read(m.ctx)} }

// wait comes back when the next reading is due.
func (m model) wait() tea.Cmd { return tea.Tick(m.every, func(time.Time) tea.Msg { return due{} }) }

// Update implements tea.Model.
func (m model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m.press(msg.String())
	case arrived:
		m.state = m.observe(msg.State)
		return m, m.wait()
	case due:
		if m.paused {
			return m, m.wait()
		}
		return m, m.fetch
	}
	return m, nil
}

// observe is the state after a reading. Of one that failed, the cluster as it was read
// before stays.
func (m model) observe(read status.State) state {
	m.recorder.Observe(read)
	out := state{State: m.recorder.State(), latest: m.recorder.Latest(), history: m.state.history}
	out.running, out.ended = m.recorder.Requests()
	if out.Fault == "" {
		h := out.history
		out.history = append(h[max(0, len(h)-maxHistory+1):len(h):len(h)], rowsPerSecond(out.Cluster))
	}
	return out
}

// press acts on a key.
func (m model) press(key string) (tea.Model, tea.Cmd) {
	all := len(pages())
	switch key {
	case "q", "ctrl+c", "esc":
		return m, tea.Quit
	case "right", "tab", "l":
		m.page, m.top = (m.page+1)%all, 0
	case "left", "shift+tab", "h":
		m.page, m.top = (m.page+all-1)%all, 0
	case "1", "2", "3", "4":
		m.page, m.top = int(key[0]-'1'), 0
	case "down", "j":
		m.top++
	case "up", "k":
		m.top--
	case "pgdown", "space":
		m.top += m.body()
	case "pgup":
		m.top -= m.body()
	case "home", "g":
		m.top = 0
	case "end", "G":
		m.top = len(m.lines())
	case "p":
		m.paused = !m.paused
	}
	m.top = max(0, min(m.top, len(m.lines())-m.body()))
	return m, nil
}

// frame is the number of lines that are not the page's: head, tabs and keys.
const frame = 3

// body is how many lines of a page are shown.
func (m model) body() int { return max(1, m.height-frame) }

func (m model) lines() []string { return pages()[m.page].lines(m.state, m.width) }

// View implements tea.Model.
func (m model) View() tea.View {
	v := tea.NewView(m.render())
	v.AltScreen, v.WindowTitle = true, "hachi top"
	return v
}

const keys = "1-4 or ←→ page  ↑↓ PgUp PgDn scroll  p pause  q quit"

// render is the whole screen.
func (m model) render() string {
	if m.width == 0 || m.height == 0 {
		return ""
	}
	all := m.lines()
	first := max(0, min(m.top, len(all)-m.body()))
	shown := all[first:min(len(all), first+m.body())]
	out := make([]string, 0, m.height)
	out = append(out, m.head(), m.tabs(first, len(all)))
	out = append(out, shown...)
	for len(out) < m.height-1 {
		out = append(out, "")
	}
	out = append(out[:max(0, m.height-1)], keys)
	for i, line := range out {
		out[i] = fit(line, m.width)
	}
	return strings.Join(out, "\n")
}

// head says whether the cluster serves, and how old that is.
func (m model) head() string {
	what := verdict(m.state)
	if m.state.Fault != "" {
		what = "NOT CURRENT: " + printed(m.state.Fault) + "  " + what
	}
	if m.paused {
		what = "PAUSED  " + what
	}
	if m.state.Known.IsZero() {
		return "hachi top  " + what
	}
	return fmt.Sprintf("hachi top  %s  %s", m.state.Known.Format(time.TimeOnly), what)
}

// tabs are the names of the pages, the present one in brackets.
func (m model) tabs(first, all int) string {
	var out strings.Builder
	for i, p := range pages() {
		format := " %d %s  "
		if i == m.page {
			format = "[%d %s] "
		}
		fmt.Fprintf(&out, format, i+1, p.name)
	}
	if all > m.body() {
		fmt.Fprintf(&out, " lines %d-%d of %d", first+1, min(all, first+m.body()), all)
	}
	return out.String()
}
