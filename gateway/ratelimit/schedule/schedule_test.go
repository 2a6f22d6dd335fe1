// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func TestSchedules(t *testing.T) {
	t.Parallel()
	office := Spec{Days: []string{"Mon", "Tue", "Wed", "Thu", "Fri"}, From: "08:00", To: "18:00", Zone: "Europe/Berlin"}
	night := Spec{Days: []string{"Sat"}, From: "22:00", To: "06:00", Zone: "Europe/Berlin"}
	cron := Spec{Cron: "0 8 * * 1-5", For: 10 * time.Hour, Zone: "Europe/Berlin"}
	gap := Spec{From: "02:30", To: "03:30", Zone: "Europe/Berlin"}
	gapFor := Spec{Cron: "30 2 * * *", For: time.Hour, Zone: "Europe/Berlin"}
	for name, tc := range map[string]struct {
		spec Spec
		at   string
		want bool
	}{
		"before the office opens":                      {office, "2026-11-20T06:59:59Z", false},
		"the office opens, in winter":                  {office, "2026-11-20T07:00:00Z", true},
		"its last second":                              {office, "2026-11-20T16:59:59Z", true},
		"it is closed":                                 {office, "2026-11-20T17:00:00Z", false},
		"the office opens, in summer":                  {office, "2026-07-20T06:00:00Z", true},
		"on Saturday":                                  {office, "2026-11-21T10:00:00Z", false},
		"the same by cron":                             {cron, "2026-11-20T07:00:00Z", true},
		"and its end":                                  {cron, "2026-11-20T17:00:00Z", false},
		"and in summer":                                {cron, "2026-07-20T06:00:00Z", true},
		"and on Sunday":                                {cron, "2026-11-22T10:00:00Z", false},
		"Saturday night":                               {night, "2026-11-21T22:30:00Z", true},
		"which ends on Sunday morning":                 {night, "2026-11-22T04:59:00Z", true},
		"and has ended":                                {night, "2026-11-22T05:00:00Z", false},
		"Sunday night is another one":                  {night, "2026-11-22T22:30:00Z", false},
		"a whole day":                                  {Spec{To: "24:00"}, "2026-11-22T23:59:59Z", true},
		"a day from one time to the same":              {Spec{From: "08:00", To: "08:00"}, "2026-11-22T07:59:59Z", true},
		"a week":                                       {Spec{Days: []string{"Mon"}, For: MaxFor}, "2026-11-22T23:59:59Z", true},
		"the first of a month or a Friday":             {Spec{Cron: "0 0 1 * 5", For: time.Hour}, "2026-11-20T00:30:00Z", true},
		"the first of a month that is Sunday":          {Spec{Cron: "0 0 1 * 5", For: time.Hour}, "2026-11-01T00:30:00Z", true},
		"neither of them":                              {Spec{Cron: "0 0 1 * 5", For: time.Hour}, "2026-11-02T00:30:00Z", false},
		"another month":                                {Spec{Cron: "0 0 * JAN *", For: time.Hour}, "2026-11-02T00:30:00Z", false},
		"the 29th of February":                         {Spec{Cron: "0 0 29 2 *", For: time.Hour}, "2028-02-29T00:30:00Z", true},
		"spring: before clocks are changed":            {gap, "2026-03-29T00:59:00Z", false},
		"spring: what is skipped begins with the rest": {gap, "2026-03-29T01:00:00Z", true},
		"spring: and ends as on every day":             {gap, "2026-03-29T01:30:00Z", false},
		"spring: a length is one of time":              {gapFor, "2026-03-29T01:59:00Z", true},
		"spring: and it is over":                       {gapFor, "2026-03-29T02:00:00Z", false},
		"autumn: begins when it is shown first":        {gap, "2026-10-25T00:30:00Z", true},
		"autumn: and lasts an hour longer":             {gap, "2026-10-25T02:29:00Z", true},
		"autumn: and then it is over":                  {gap, "2026-10-25T02:30:00Z", false},
		"autumn: a length is one of time, too":         {gapFor, "2026-10-25T01:30:00Z", false},
		"autumn: and begins only once":                 {gapFor, "2026-10-25T01:29:00Z", true},
		"half an hour of summer time: Lord Howe":       {Spec{From: "02:00", To: "02:30", Zone: "Australia/Lord_Howe"}, "2026-10-03T15:30:00Z", false},
	} {
		s, err := Parse(tc.spec)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		at, err := time.Parse(time.RFC3339, tc.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Active(at); got != tc.want {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

func TestFaultsAreTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spec Spec
		want string
	}{
		"nothing":                  {Spec{}, "neither or both of to and for"},
		"both ends":                {Spec{To: "10:00", For: time.Hour}, "neither or both of to and for"},
		"a weekday that is none":   {Spec{Days: []string{"Caturday"}, To: "10:00"}, `days: "Caturday" is none of Sun, Mon`},
		"a time that is none":      {Spec{From: "8:00", To: "10:00"}, `from: "8:00" is no time of day such as 08:30`},
		"a time after midnight":    {Spec{To: "24:01"}, "to: "},
		"a beginning at 24:00":     {Spec{From: "24:00", To: "10:00"}, "from: 24:00 is 00:00 of the next day"},
		"a zone that is none":      {Spec{To: "10:00", Zone: "Europe/Bonn"}, `timeZone: there is no time zone "Europe/Bonn"`},
		"a zone out of the folder": {Spec{To: "10:00", Zone: "../../etc/passwd"}, "timeZone: there is no time zone"},
		"the machine's own zone":   {Spec{To: "10:00", Zone: "Local"}, "timeZone:"},
		"seconds":                  {Spec{For: 90 * time.Second}, "in whole minutes"},
		"too long":                 {Spec{For: 8 * day}, "for: it is not between 1m and 168h0m0s"},
		"a negative length":        {Spec{For: -time.Minute}, "for: it is not between"},
		"six fields":               {Spec{Cron: "0 0 8 * * *", For: time.Hour}, "cron: "},
		"a word":                   {Spec{Cron: "@every 1h", For: time.Hour}, "cron: "},
		"a zone of its own":        {Spec{Cron: "TZ=UTC 0 * * *", For: time.Hour}, "cron: "},
		"an hour that is none":     {Spec{Cron: "0 25 * * *", For: time.Hour}, "cron: "},
		"cron and days":            {Spec{Cron: "0 8 * * *", Days: []string{"Mon"}, For: time.Hour}, "no days, from or to"},
	} {
		if s, err := Parse(tc.spec); err == nil || s != nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
}

// TestSchedulesAreThoseOfClocksOnWalls compares with the definition: a span begins
// in the first minute in which a clock shows its time or a later one.
func TestSchedulesAreThoseOfClocksOnWalls(t *testing.T) {
	t.Parallel()
	changes := map[string][]string{ // days around which clocks are changed
		"Europe/Berlin": {"2026-03-29", "2026-10-25"}, "America/New_York": {"2026-03-08", "2026-11-01"},
		"Australia/Lord_Howe": {"2026-04-05", "2026-10-04"}, "Pacific/Apia": {"2011-12-30"}, "Asia/Kathmandu": {"2026-11-01"}, "America/Havana": {"2026-03-08", "2026-11-01"},
	}
	active, inactive := 0, 0
	for name, days := range changes {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for n, text := range days {
			around, err := time.Parse(time.DateOnly, text)
			if err != nil {
				t.Fatal(err)
			}
			first := around.Add(-4 * day)
			shown := make([]time.Time, 0, 8*24*60)
			for i := range 8 * 24 * 60 {
				shown = append(shown, wall(first.Add(time.Duration(i)*time.Minute).In(zone)))
			}
			instant := func(want time.Time) int {
				for i, w := range shown {
					if !w.Before(want) {
						return i
					}
				}
				return len(shown)
			}
			r := rand.New(rand.NewPCG(uint64(n), 3))
			for range 6 {
				from, length := r.IntN(96)*15, 15*(1+r.IntN(100))
				spec := Spec{From: fmt.Sprintf("%02d:%02d", from/60, from%60), Zone: name, For: time.Duration(length) * time.Minute}
				to := 0
				if length < 24*60 && r.IntN(2) == 0 {
					to = from + length
					spec.For, spec.To = 0, fmt.Sprintf("%02d:%02d", to/60%24, to%60)
				}
				s, err := Parse(spec)
				if err != nil {
					t.Fatal(err)
				}
				want := make([]bool, len(shown))
				for d := -8; d < 8; d++ {
					date := around.AddDate(0, 0, d)
					begin := instant(date.Add(time.Duration(from) * time.Minute))
					if begin == 0 {
						continue // before all that is looked at
					}
					end := begin + length
					if to > 0 {
						end = instant(date.Add(time.Duration(to) * time.Minute))
					}
					for i := begin; i < min(end, len(want)); i++ {
						want[i] = true
					}
				}
				for i := 3 * 24 * 60; i < len(want); i++ { // by then all that is active has begun
					got := s.Active(first.Add(time.Duration(i)*time.Minute + 59*time.Second))
					if got != want[i] {
						t.Fatalf("%s %+v: %v at %s, which clocks show as %s", name, spec, got, first.Add(time.Duration(i)*time.Minute), shown[i])
					}
					if got {
						active++
					} else {
						inactive++
					}
				}
			}
		}
	}
	if active == 0 || inactive == 0 {
		t.Errorf("%d and %d minutes were compared", active, inactive)
	}
}

// FuzzParse: whatever is taken is active or not at every moment, and never both in
// one minute.
func FuzzParse(f *testing.F) {
	f.Add("Mon", "08:00", "18:00", "", int64(0), "Europe/Berlin", int64(1792905600))
	f.Add("", "", "", "*/5 0 29 FEB *", int64(time.Hour), "UTC", int64(0))
	f.Add("", "", "", "0 25 * * *", int64(time.Hour), "", int64(-1<<40))
	f.Fuzz(func(t *testing.T, day, from, to, expression string, length int64, zone string, at int64) {
		spec := Spec{From: from, To: to, Cron: expression, For: time.Duration(length), Zone: zone}
		if day != "" {
			spec.Days = []string{day}
		}
		s, err := Parse(spec)
		if err != nil {
			return
		}
		minute := time.Unix(at%(1<<40)/60*60, 0)
		if s.Active(minute) != s.Active(minute.Add(time.Minute-1)) {
			t.Fatalf("%+v changes within the minute of %s", spec, minute)
		}
	})
}
