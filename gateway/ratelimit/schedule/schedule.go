// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // see the package comment

	"github.com/robfig/cron/v3"
)

// Spec is a schedule as it is written. The zero value is none.
type Spec struct {
	Days []string      // Mon to Sun; none: every day. Not with Cron
	From string        // 15:04, "" is 00:00. Not with Cron
	To   string        // 15:04 or 24:00; when it is not after From, on the next day
	Cron string        // minute, hour, day of the month, month, day of the week: when it begins
	For  time.Duration // whole minutes, in the place of To
	Zone string        // of IANA's, such as Europe/Berlin; "" is UTC
}

// MaxFor is how long a span is at most.
const MaxFor = 7 * day

const day = 24 * time.Hour

// Schedule is a Spec made ready. It does not change.
type Schedule struct {
	zone   *time.Location
	starts *cron.SpecSchedule // when it begins, by the minute
	length time.Duration      // 0: until the time of day end
	end    int                // minutes of a day, more than a day's for the next one
}

// anyOf is the bit by which the cron library marks a field that is "*".
const anyOf = 1 << 63

var (
	timeOfDay = regexp.MustCompile(`^([01][0-9]|2[0-4]):([0-5][0-9])$`)
	parser    = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	weekdays  = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}
)

// Parse makes a schedule ready.
func Parse(s Spec) (*Schedule, error) {
	out := &Schedule{}
	var err error
	if out.zone, err = zoneOf(s.Zone); err != nil {
		return nil, err
	}
	if (s.For != 0) == (s.To != "") {
		return nil, errors.New("it has neither or both of to and for")
	}
	if s.For < 0 || s.For > MaxFor || s.For%time.Minute != 0 {
		return nil, fmt.Errorf("for: it is not between 1m and %s, in whole minutes", MaxFor)
	}
	out.length = s.For
	if s.Cron != "" {
		if len(s.Days) > 0 || s.From != "" || s.To != "" {
			return nil, errors.New("cron has for beside it, and no days, from or to")
		}
		if out.starts, err = parseCron(s.Cron); err != nil {
			return nil, err
		}
		return out, nil
	}
	from, err := minutes("from", s.From)
	if err != nil {
		return nil, err
	}
	if from == int(day/time.Minute) {
		return nil, errors.New("from: 24:00 is 00:00 of the next day")
	}
	if s.To != "" {
		if out.end, err = minutes("to", s.To); err != nil {
			return nil, err
		}
		if out.end <= from {
			out.end += int(day / time.Minute)
		}
	}
	out.starts = &cron.SpecSchedule{Minute: 1 << (from % 60), Hour: 1 << (from / 60), Dom: anyOf, Month: 1<<13 - 2, Dow: anyOf | 1<<7 - 1}
	if len(s.Days) > 0 {
		out.starts.Dow = 0
		for _, d := range s.Days {
			i := indexOf(d)
			if i < 0 {
				return nil, fmt.Errorf("days: %.20q is none of %s", d, strings.Join(weekdays, ", "))
			}
			out.starts.Dow |= 1 << i
		}
	}
	return out, nil
}

func indexOf(d string) int {
	for i, w := range weekdays {
		if w == d {
			return i
		}
	}
	return -1
}

func zoneOf(name string) (*time.Location, error) {
	if name == "Local" {
		return nil, errors.New(`timeZone: "Local" is another one on each machine`)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("timeZone: there is no time zone %.80q", name)
	}
	return zone, nil
}

func minutes(what, text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	m := timeOfDay.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%s: %.20q is no time of day such as 08:30", what, text)
	}
	hour, _ := strconv.Atoi(m[1])   // digits, by the expression
	minute, _ := strconv.Atoi(m[2]) // and these
	if hour == 24 && minute > 0 {
		return 0, fmt.Errorf("%s: %q is after the end of the day", what, text)
	}
	return hour*60 + minute, nil
}

// parseCron takes the five fields of crontab(5) only: no seconds, no "@daily" and no
// zone, which the library would take as well.
func parseCron(text string) (*cron.SpecSchedule, error) {
	bad := func() error {
		return fmt.Errorf("cron: %.80q is no expression of five fields: minute, hour, day of the month, month, day of the week", text)
	}
	if len(text) > 200 || strings.ContainsAny(text, "@=") || len(strings.Fields(text)) != 5 {
		return nil, bad()
	}
	parsed, err := parser.Parse(text)
	if err != nil {
		return nil, bad()
	}
	spec, is := parsed.(*cron.SpecSchedule)
	if !is {
		return nil, bad()
	}
	return spec, nil
}

// Active tells whether a moment is in the schedule. The answer is the same for all
// of a minute.
func (s *Schedule) Active(at time.Time) bool {
	at = at.In(s.zone).Truncate(time.Minute)
	y, m, d := at.Date()
	back := 2 + int(s.length/day)
	for i := 0; i <= back; i++ {
		date := time.Date(y, m, d-i, 0, 0, 0, 0, time.UTC) // of the calendar only
		if s.on(date) && s.covers(date, at) {
			return true
		}
	}
	return false
}

// on tells whether the schedule begins on a day, as crontab(5) has it: if both the
// day of the month and that of the week are restricted, one of them suffices.
func (s *Schedule) on(date time.Time) bool {
	c := s.starts
	if c.Month&(1<<uint(date.Month())) == 0 {
		return false
	}
	ofMonth, ofWeek := c.Dom&(1<<uint(date.Day())) > 0, c.Dow&(1<<uint(date.Weekday())) > 0
	switch {
	case c.Dom&anyOf > 0:
		return ofWeek
	case c.Dow&anyOf > 0:
		return ofMonth
	}
	return ofMonth || ofWeek
}

// covers tells whether a moment is in one of the spans that begin on a day.
func (s *Schedule) covers(date, at time.Time) bool {
	for hour := range 24 {
		if s.starts.Hour&(1<<uint(hour)) == 0 {
			continue
		}
		for minute := range 60 {
			if s.starts.Minute&(1<<uint(minute)) == 0 {
				continue
			}
			begin := s.instant(date, hour*60+minute)
			if at.Before(begin) {
				return false // and so are all that follow
			}
			end := begin.Add(s.length)
			if s.length == 0 {
				end = s.instant(date, s.end)
			}
			if at.Before(end) {
				return true
			}
		}
	}
	return false
}

// instant is when clocks on walls of the zone show so many minutes of a day for the
// first time, or, if they skip it, when they skip it. More minutes than a day's are
// of the next one.
func (s *Schedule) instant(date time.Time, minutes int) time.Time {
	y, m, d := date.Date()
	want := time.Date(y, m, d, 0, minutes, 0, 0, time.UTC)
	got := time.Date(y, m, d, 0, minutes, 0, 0, s.zone)
	start, end := got.ZoneBounds()
	switch shown := wall(got); {
	case shown.Before(want): // skipped, and got is before the change
		return end
	case shown.After(want): // and got is after it
		return start
	}
	if start.IsZero() {
		return got
	}
	// It may have been shown once before, by the time that ended with the last change.
	_, before := start.Add(-1).Zone()
	if first := want.Add(-time.Duration(before) * time.Second); first.Before(start) {
		return first.In(s.zone)
	}
	return got
}

// wall is what a clock shows, as if it were UTC.
func wall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.Add(time.Duration(offset) * time.Second).UTC()
}
