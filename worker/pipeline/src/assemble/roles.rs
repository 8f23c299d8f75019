//! Whether the roles look swapped. In: the channels with their words. Out: a warning, or none. Cannot fail. Who answers
//! for a company says so within the first half minute, in words that callers do not use; heard on the customer's leg
//! alone, they tell of a switch that records the legs the other way round. A company that is called answers so too, and
//! therefore it is a hint and changes nothing.

use job_schema::job::Role;
use job_schema::transcript::{Channel, Warning, WarningCode};

const OPENING_MS: u64 = 30_000;
/// Beginnings of phrases, as [`spelled`] gives them: English, German, Spanish, French.
const OF_AN_AGENT: [&str; 18] = [
    "thank you for calling",
    "thanks for calling",
    "how can i help",
    "how may i help",
    "how can i assist",
    "how may i assist",
    "call is being recorded",
    "call may be recorded",
    "calls may be recorded",
    "was kann ich für sie tun",
    "wie kann ich ihnen helfen",
    "vielen dank für ihren anruf",
    "gracias por llamar",
    "en qué puedo ayudar",
    "en qué le puedo ayudar",
    "merci de votre appel",
    "merci d avoir appelé",
    "puis je vous aider",
];

pub(super) fn swapped(channels: &[Channel]) -> Option<Warning> {
    let agent = only(channels, Role::Agent)?;
    let customer = only(channels, Role::Customer)?;
    (opens_as_agent(customer) && !opens_as_agent(agent)).then(|| Warning {
        code: WarningCode::RolesLookSwapped,
        detail: format!(
            "channel {} is the customer's and opens as an agent does",
            customer.facts.index
        ),
        channel: Some(customer.facts.index),
    })
}

fn only(channels: &[Channel], role: Role) -> Option<&Channel> {
    let mut of_role = channels.iter().filter(|c| c.facts.role == role);
    let first = of_role.next()?;
    of_role.next().is_none().then_some(first)
}

fn opens_as_agent(channel: &Channel) -> bool {
    let opening = channel.words.iter().take_while(|w| w.start_ms < OPENING_MS);
    let text: Vec<&str> = opening.map(|w| w.text.as_str()).collect();
    let said = spelled(&text.join(" "));
    OF_AN_AGENT
        .iter()
        .any(|phrase| said.contains(&format!(" {phrase}")))
}

/// In lower case, with one space before each word and nothing else between.
fn spelled(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric());
    words
        .filter(|word| !word.is_empty())
        .map(|word| format!(" {}", word.to_lowercase()))
        .collect()
}
