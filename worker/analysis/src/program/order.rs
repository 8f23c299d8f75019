//! The order in which rules are evaluated: each after those it refers to. In: who refers to whom. Out: the order, or the
//! first cycle that the file's order meets. A chain may be as long as the set has rules, so nothing here recurses.

/// For each rule the rules that it refers to.
pub(crate) type References = Vec<Vec<usize>>;

/// `Err` holds the rules of a cycle, the first one once more at its end.
pub(crate) fn evaluation_order(references: &References) -> Result<Vec<usize>, Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Untouched,
        Open,
        Done,
    }
    let mut state = vec![State::Untouched; references.len()];
    let mut order = Vec::with_capacity(references.len());
    for root in 0..references.len() {
        // Each open rule, and how many of its references have been followed.
        let mut path: Vec<(usize, usize)> = Vec::new();
        if state[root] == State::Untouched {
            state[root] = State::Open;
            path.push((root, 0));
        }
        while let Some(&(rule, followed)) = path.last() {
            let Some(&next) = references[rule].get(followed) else {
                state[rule] = State::Done;
                order.push(rule);
                path.pop();
                continue;
            };
            if let Some(last) = path.last_mut() {
                last.1 += 1;
            }
            match state[next] {
                State::Done => {}
                State::Untouched => {
                    state[next] = State::Open;
                    path.push((next, 0));
                }
                State::Open => {
                    let on_path = path.iter().map(|&(rule, _)| rule);
                    let mut cycle: Vec<usize> = on_path.skip_while(|&rule| rule != next).collect();
                    cycle.push(next);
                    return Err(cycle);
                }
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::evaluation_order;

    #[test]
    fn rules_follow_those_they_use_and_cycles_are_found() {
        type Case = (
            &'static [&'static [usize]],
            Result<&'static [usize], &'static [usize]>,
        );
        let table: [Case; 5] = [
            (&[&[], &[]], Ok(&[0, 1])),
            (&[&[1, 2], &[2], &[]], Ok(&[2, 1, 0])),
            (&[&[0]], Err(&[0, 0])),
            (&[&[1], &[2], &[1]], Err(&[1, 2, 1])),
            (&[&[], &[2], &[0, 1]], Err(&[1, 2, 1])),
        ];
        for (references, expected) in table {
            let references = references.iter().map(|to| to.to_vec()).collect();
            let found = evaluation_order(&references);
            let expected = expected.map(<[usize]>::to_vec).map_err(<[usize]>::to_vec);
            assert_eq!(found, expected, "{references:?}");
        }
    }

    #[test]
    fn a_chain_may_be_as_long_as_a_set() {
        let references = (1..=100_000)
            .map(|next| vec![next])
            .chain([vec![]])
            .collect();
        assert_eq!(
            evaluation_order(&references).map(|order| order[0]),
            Ok(100_000)
        );
    }
}
