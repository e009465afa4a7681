#include "core/routing/selection.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace omni::routing {
namespace {

// A unit as its strategy sees it; another combo is as good as the best in it.
struct Seat {
  uint32_t unit = 0;
  Tier tier = Tier::Excluded;
  int in_flight = std::numeric_limits<int>::max();
  double recent = std::numeric_limits<double>::max();
  double remaining = -1;
  int64_t resets_at_ms = std::numeric_limits<int64_t>::max();
  double credit = 0;
};

class Ordering {
 public:
  Ordering(const Plan& plan, const std::vector<Standing>& standings, bool take_turns,
           std::vector<uint32_t>& out)
      : plan_(plan), standings_(standings), take_turns_(take_turns), out_(out) {}

  void walk(const Node& node) {
    if (node.strategy == Strategy::Priority) {
      for (const Unit& unit : node.units) place(unit);
      return;
    }
    std::vector<Seat> seats;
    seats.reserve(node.units.size());
    for (const Unit& unit : node.units) {
      Seat seat;
      look(unit, seat);
      seat.unit = static_cast<uint32_t>(seats.size());
      seats.push_back(seat);
    }
    switch (node.strategy) {
      case Strategy::RoundRobin:
      case Strategy::Weighted:
        byTurn(node, seats);
        break;
      case Strategy::LeastUsed:
        std::ranges::stable_sort(seats, lessUsed);
        break;
      case Strategy::MostRemaining:
        std::ranges::stable_sort(seats, [](const Seat& a, const Seat& b) {
          if (group(a) != group(b)) return group(a) < group(b);
          if (a.remaining != b.remaining) return a.remaining > b.remaining;
          return lessUsed(a, b);
        });
        break;
      case Strategy::ResetSoonest:
        std::ranges::stable_sort(seats, [](const Seat& a, const Seat& b) {
          if (group(a) != group(b)) return group(a) < group(b);
          if (a.resets_at_ms != b.resets_at_ms) return a.resets_at_ms < b.resets_at_ms;
          return lessUsed(a, b);
        });
        break;
      case Strategy::Priority:
        break;
    }
    for (const Seat& seat : seats) place(node.units[seat.unit]);
  }

 private:
  static bool lessUsed(const Seat& a, const Seat& b) {
    if (a.in_flight != b.in_flight) return a.in_flight < b.in_flight;
    return a.recent < b.recent;
  }
  // Known and not empty, unknown, empty.
  static int group(const Seat& seat) { return seat.remaining > 0 ? 0 : seat.remaining < 0 ? 1 : 2; }

  void look(const Unit& unit, Seat& seat) const {
    if (unit.candidate >= 0) {
      const Standing& s = standings_[static_cast<size_t>(unit.candidate)];
      // What cannot serve must not lend its quota or idleness to the combo it is in.
      if (s.tier > seat.tier || (s.tier == Tier::Excluded && seat.tier != Tier::Excluded)) return;
      if (s.tier < seat.tier) {
        seat = Seat{};
        seat.tier = s.tier;
      }
      seat.in_flight = std::min(seat.in_flight, s.in_flight);
      seat.recent = std::min(seat.recent, s.recent);
      seat.remaining = std::max(seat.remaining, s.remaining);
      if (s.resets_at_ms >= 0) seat.resets_at_ms = std::min(seat.resets_at_ms, s.resets_at_ms);
      return;
    }
    for (const Unit& inner : plan_.nodes[static_cast<size_t>(unit.node)].units) look(inner, seat);
  }

  void place(const Unit& unit) {
    if (unit.candidate >= 0)
      out_.push_back(static_cast<uint32_t>(unit.candidate));
    else
      walk(plan_.nodes[static_cast<size_t>(unit.node)]);
  }

  // Smooth weighted rotation: each usable unit earns its weight, the richest serves and pays the
  // sum. Over any stretch each gets its share, however the set of usable ones changes; who was away
  // has earned nothing and is not flooded when it is back.
  void byTurn(const Node& node, std::vector<Seat>& seats) {
    auto best = Tier::Excluded;
    for (const Seat& seat : seats) best = std::min(best, seat.tier);
    const auto weight = [&](const Seat& seat) {
      return node.strategy == Strategy::Weighted ? node.units[seat.unit].weight : 1.0;
    };
    std::lock_guard lock(node.turns->mutex);
    auto& credit = node.turns->credit;
    double sum = 0;
    for (Seat& seat : seats) {
      if (const auto known = credit.find(node.units[seat.unit].key); known != credit.end())
        seat.credit = known->second;
      if (seat.tier != best) continue;
      seat.credit += weight(seat);
      sum += weight(seat);
    }
    std::ranges::stable_sort(seats, [&](const Seat& a, const Seat& b) {
      if ((a.tier == best) != (b.tier == best)) return a.tier == best;
      // Weight 0 is for when no other can.
      if ((weight(a) > 0) != (weight(b) > 0)) return weight(a) > 0;
      return a.credit > b.credit;
    });
    if (!take_turns_ || seats.empty() || best == Tier::Excluded) return;
    seats.front().credit -= sum;
    for (const Seat& seat : seats)
      if (seat.tier == best) credit[node.units[seat.unit].key] = seat.credit;
  }

  const Plan& plan_;
  const std::vector<Standing>& standings_;
  const bool take_turns_;
  std::vector<uint32_t>& out_;
};

constexpr std::array<std::string_view, 14> kWhy{
    "ready",
    "disabled by a person",
    "cooling",
    "its quota is used up",
    "suspended by the provider",
    "needs a new sign-in",
    "its time is over; the next request finds out",
    "another request is finding out whether it works again",
    "no quota is left by the last reading",
    "its model list does not have the model",
    "may not ask for this model for a while",
    "several calls in a row failed",
    "the model has no capacity",
    "the request asks for another account",
};

}  // namespace

std::string_view whyText(Why why) {
  return kWhy[static_cast<size_t>(why)];
}

void orderCandidates(const Plan& plan, const std::vector<Standing>& standings, bool take_turns,
                     std::vector<uint32_t>& out) {
  out.clear();
  out.reserve(plan.candidates.size());
  Ordering(plan, standings, take_turns, out).walk(plan.nodes.front());
  std::ranges::stable_sort(out, {}, [&](uint32_t i) { return standings[i].tier; });
}

}  // namespace omni::routing
