//! Prefixes that change hands: no order of replacements can do it where one wants what another still has.

/// Where an entry of a file is to be, and where a plugin of its name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Home<'a> {
    /// Of the entry.
    pub name: &'a str,
    /// The prefix of what is registered; `None`: nothing is.
    pub from: Option<&'a str>,
    /// The prefix of the entry.
    pub to: &'a str,
}

/// Those that must move first and together: somebody else is where they go, or goes where they are.
pub fn moves<'a>(places: &'a [Home<'a>]) -> impl Iterator<Item = Home<'a>> {
    let entangled = |one: &Home<'_>| {
        places
            .iter()
            .any(|other| other.name != one.name && (Some(other.to) == one.from || other.from == Some(one.to)))
    };
    let moves = |one: &Home<'_>| one.from.is_some_and(|from| from != one.to);
    places.iter().copied().filter(move |one| moves(one) && entangled(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(places: &[(&'static str, &'static str, &'static str)]) -> Vec<String> {
        let place = |&(name, from, to): &(&'static str, &'static str, &'static str)| Home {
            name,
            from: Some(from).filter(|from| !from.is_empty()),
            to,
        };
        let places: Vec<_> = places.iter().map(place).collect();
        moves(&places).map(|place| format!("{} {}", place.name, place.to)).collect()
    }

    #[test]
    fn only_what_is_in_the_way_of_another_moves_first() {
        assert_eq!(moved(&[("a", "/x", "/y"), ("b", "/y", "/x"), ("c", "/z", "/z")]), ["a /y", "b /x"]);
        assert_eq!(moved(&[("a", "/x", "/y"), ("b", "/y", "/z"), ("c", "/c", "/d")]), ["a /y", "b /z"]);
        // What is new wants the place of one that leaves.
        assert_eq!(moved(&[("new", "", "/x"), ("a", "/x", "/y")]), ["a /y"]);
        assert_eq!(moved(&[("a", "/x", "/y"), ("b", "", "/b")]), [""; 0]);
    }
}
