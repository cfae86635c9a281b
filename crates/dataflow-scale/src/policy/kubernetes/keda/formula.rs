//! The formula of KEDA's `scalingModifiers`: triggers by name, joined into one value.
//!
//! Source: the documentation of KEDA, which evaluates with expr-lang. This is the part of that language that works on
//! numbers: arithmetic, comparisons, `and`/`or`/`not`, `? :`, `??`, lists, and functions of them with predicates such as
//! `count([one, two], {# > 1})`. A crate for the whole language (strings, dates, maps) would bring a parser generator
//! along, and tells whole from broken numbers apart where KEDA passes none but doubles.

use std::collections::BTreeSet;
use std::fmt;

/// A value of a formula.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Nil,
    Truth(bool),
    Number(f64),
    List(Vec<Value>),
}

/// An operator of two values, by how weakly it binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Otherwise,
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Divided,
    Remainder,
    Power,
}

/// Each operator, how strongly it binds, and whether it binds to the right first. Longer spellings come first.
const OPERATORS: [(&str, Operator, u8); 19] = [
    ("??", Operator::Otherwise, 7),
    ("||", Operator::Or, 1),
    ("or", Operator::Or, 1),
    ("&&", Operator::And, 2),
    ("and", Operator::And, 2),
    ("==", Operator::Equal, 3),
    ("!=", Operator::Unequal, 3),
    ("<=", Operator::LessOrEqual, 3),
    (">=", Operator::GreaterOrEqual, 3),
    ("<", Operator::Less, 3),
    (">", Operator::Greater, 3),
    ("+", Operator::Plus, 4),
    ("-", Operator::Minus, 4),
    ("**", Operator::Power, 6),
    ("^", Operator::Power, 6),
    ("*", Operator::Times, 5),
    ("/", Operator::Divided, 5),
    ("%", Operator::Remainder, 5),
    ("mod", Operator::Remainder, 5),
];

/// The functions there are.
const FUNCTIONS: [&str; 18] = [
    "min", "max", "sum", "mean", "avg", "median", "count", "len", "abs", "ceil", "floor", "round", "float", "int",
    "any", "all", "none", "filter",
];

#[derive(Debug, Clone, PartialEq)]
enum Expression {
    Constant(Value),
    Trigger(String),
    /// The element that a predicate looks at.
    Element,
    Negative(Box<Expression>),
    Not(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Choice(Box<Expression>, Box<Expression>, Box<Expression>),
    List(Vec<Expression>),
    Call(&'static str, Vec<Expression>),
    Predicate(Box<Expression>),
}

/// What is wrong with a formula, or with what it was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct FormulaError {
    problem: String,
}

fn wrong<T>(problem: impl fmt::Display) -> Result<T, FormulaError> {
    Err(FormulaError { problem: problem.to_string() })
}

/// A formula that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    expression: Expression,
}

impl Formula {
    /// Reads a formula.
    ///
    /// # Errors
    /// When it is none that this program knows, with the place and what was expected there.
    pub fn parse(text: &str) -> Result<Self, FormulaError> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        let expression = reader.choice()?;
        match reader.rest() {
            "" => Ok(Self { expression }),
            rest => wrong(format!("expected an operator or the end, found {:?}", rest.chars().next().unwrap_or(' '))),
        }
    }

    /// The names of the triggers in it.
    pub fn triggers(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.expression.collect(&mut names);
        names
    }

    /// The value where each trigger has that of `value_of`; `None` stands for `nil`, a trigger that failed.
    ///
    /// # Errors
    /// When a value is of the wrong kind for what is done with it, or the whole is no number.
    pub fn evaluate(&self, value_of: &dyn Fn(&str) -> Option<f64>) -> Result<f64, FormulaError> {
        match self.expression.evaluate(value_of, None)? {
            Value::Number(number) => Ok(number),
            Value::Truth(truth) => Ok(f64::from(u8::from(truth))),
            other => wrong(format!("expected a number, found {other}")),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => formatter.write_str("nil"),
            Self::Truth(truth) => truth.fmt(formatter),
            Self::Number(number) => number.fmt(formatter),
            Self::List(_) => formatter.write_str("a list"),
        }
    }
}

/// Reads a formula from left to right.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

/// Deeper nesting than this is no formula that anybody wrote.
const DEPTH_MAX: u32 = 64;

impl<'a> Reader<'a> {
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    /// Steps over the symbol, or the whole word, if it comes next.
    fn take(&mut self, symbol: &str) -> bool {
        let Some(after) = self.rest().strip_prefix(symbol) else { return false };
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        if symbol.ends_with(is_word) && after.starts_with(is_word) {
            return false;
        }
        self.at += symbol.len();
        true
    }

    fn expect(&mut self, symbol: &str) -> Result<(), FormulaError> {
        if self.take(symbol) {
            return Ok(());
        }
        match self.rest().chars().next() {
            Some(found) => wrong(format!("expected {symbol:?}, found {found:?}")),
            None => wrong(format!("expected {symbol:?}, found the end")),
        }
    }

    fn choice(&mut self) -> Result<Expression, FormulaError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return wrong("expected a formula that is nested less deeply");
        }
        let condition = self.binary(0)?;
        // `??` is read as an operator before this.
        let choice = if self.take("?") {
            let then = self.choice()?;
            self.expect(":")?;
            Expression::Choice(Box::new(condition), Box::new(then), Box::new(self.choice()?))
        } else {
            condition
        };
        self.depth -= 1;
        Ok(choice)
    }

    fn operator(&mut self, weakest: u8) -> Option<(Operator, u8)> {
        let start = self.at;
        let found = OPERATORS.iter().find(|(symbol, ..)| self.take(symbol));
        let (_, operator, strength) = *found?;
        if strength < weakest {
            self.at = start;
            return None;
        }
        Some((operator, strength))
    }

    fn binary(&mut self, weakest: u8) -> Result<Expression, FormulaError> {
        let mut left = self.unary()?;
        while let Some((operator, strength)) = self.operator(weakest) {
            let next = if operator == Operator::Power { strength } else { strength + 1 };
            left = Expression::Binary(operator, Box::new(left), Box::new(self.binary(next)?));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expression, FormulaError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return wrong("expected a formula that is nested less deeply");
        }
        let read = if self.take("-") {
            // As in the language: `-2 ** 2` is −(2²).
            Expression::Negative(Box::new(self.binary(6)?))
        } else if self.take("+") {
            self.unary()?
        } else if self.take("not") || (!self.rest().starts_with("!=") && self.take("!")) {
            Expression::Not(Box::new(self.unary()?))
        } else {
            self.primary()?
        };
        self.depth -= 1;
        Ok(read)
    }

    fn primary(&mut self) -> Result<Expression, FormulaError> {
        if self.take("(") {
            let inner = self.choice()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.take("[") {
            return Ok(Expression::List(self.list("]")?));
        }
        if self.take("{") {
            let predicate = self.choice()?;
            self.expect("}")?;
            return Ok(Expression::Predicate(Box::new(predicate)));
        }
        if self.take("#") {
            return Ok(Expression::Element);
        }
        let rest = self.rest();
        let starts_number = |first: char| first.is_ascii_digit() || first == '.';
        if rest.starts_with(starts_number) {
            return self.number();
        }
        let length = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
        let name = &rest[..length];
        self.at += length;
        match name {
            "" => wrong(match rest.chars().next() {
                Some(found) => format!("expected a number, a trigger's name or a bracket, found {found:?}"),
                None => "expected a number, a trigger's name or a bracket, found the end".to_owned(),
            }),
            "nil" => Ok(Expression::Constant(Value::Nil)),
            "true" => Ok(Expression::Constant(Value::Truth(true))),
            "false" => Ok(Expression::Constant(Value::Truth(false))),
            name if self.take("(") => match FUNCTIONS.iter().find(|function| **function == name) {
                Some(function) => Ok(Expression::Call(function, self.list(")")?)),
                None => wrong(format!("expected one of the functions {}, found {name:?}", FUNCTIONS.join(", "))),
            },
            name => Ok(Expression::Trigger(name.to_owned())),
        }
    }

    fn list(&mut self, end: &str) -> Result<Vec<Expression>, FormulaError> {
        let mut members = Vec::new();
        while !self.take(end) {
            if !members.is_empty() {
                self.expect(",")?;
            }
            members.push(self.choice()?);
        }
        Ok(members)
    }

    fn number(&mut self) -> Result<Expression, FormulaError> {
        let rest = self.rest();
        let mut previous = ' ';
        let end = rest.find(|letter: char| {
            let continues = letter.is_ascii_digit()
                || matches!(letter, '.' | '_' | 'e' | 'E')
                || (matches!(letter, '+' | '-') && matches!(previous, 'e' | 'E'));
            previous = letter;
            !continues
        });
        let written = &rest[..end.unwrap_or(rest.len())];
        self.at += written.len();
        match written.replace('_', "").parse() {
            Ok(number) => Ok(Expression::Constant(Value::Number(number))),
            Err(_) => wrong(format!("expected a number, found {written:?}")),
        }
    }
}

impl Expression {
    fn collect<'a>(&'a self, names: &mut BTreeSet<&'a str>) {
        match self {
            Self::Constant(_) | Self::Element => {}
            Self::Trigger(name) => {
                names.insert(name);
            }
            Self::Negative(inner) | Self::Not(inner) | Self::Predicate(inner) => inner.collect(names),
            Self::Binary(_, left, right) => {
                left.collect(names);
                right.collect(names);
            }
            Self::Choice(condition, then, otherwise) => {
                condition.collect(names);
                then.collect(names);
                otherwise.collect(names);
            }
            Self::List(members) | Self::Call(_, members) => members.iter().for_each(|member| member.collect(names)),
        }
    }

    fn evaluate(&self, value_of: &dyn Fn(&str) -> Option<f64>, element: Option<&Value>) -> Result<Value, FormulaError> {
        let value = |expression: &Self| expression.evaluate(value_of, element);
        match self {
            Self::Constant(constant) => Ok(constant.clone()),
            Self::Trigger(name) => Ok(value_of(name).map_or(Value::Nil, Value::Number)),
            Self::Element => match element {
                Some(element) => Ok(element.clone()),
                None => wrong("# stands for an element only within { }"),
            },
            Self::Negative(inner) => Ok(Value::Number(-value(inner)?.number()?)),
            Self::Not(inner) => Ok(Value::Truth(!value(inner)?.truth()?)),
            Self::Binary(operator, left, right) => binary(*operator, &value(left)?, || value(right)),
            Self::Choice(condition, then, otherwise) => {
                if value(condition)?.truth()? {
                    value(then)
                } else {
                    value(otherwise)
                }
            }
            Self::List(members) => Ok(Value::List(members.iter().map(value).collect::<Result<_, _>>()?)),
            Self::Call(function, arguments) => call(function, arguments, value_of, element),
            Self::Predicate(_) => wrong("a predicate in { } stands only in a function such as count"),
        }
    }
}

impl Value {
    fn number(&self) -> Result<f64, FormulaError> {
        match self {
            Self::Number(number) => Ok(*number),
            other => wrong(format!("expected a number, found {other}")),
        }
    }

    fn truth(&self) -> Result<bool, FormulaError> {
        match self {
            Self::Truth(truth) => Ok(*truth),
            other => wrong(format!("expected a comparison, found {other}")),
        }
    }
}

fn binary(
    operator: Operator,
    left: &Value,
    right: impl FnOnce() -> Result<Value, FormulaError>,
) -> Result<Value, FormulaError> {
    match operator {
        Operator::Otherwise => return if *left == Value::Nil { right() } else { Ok(left.clone()) },
        Operator::Or => return Ok(Value::Truth(left.truth()? || right()?.truth()?)),
        Operator::And => return Ok(Value::Truth(left.truth()? && right()?.truth()?)),
        Operator::Equal => return Ok(Value::Truth(*left == right()?)),
        Operator::Unequal => return Ok(Value::Truth(*left != right()?)),
        _ => {}
    }
    let (left, right) = (left.number()?, right()?.number()?);
    Ok(match operator {
        Operator::Less => Value::Truth(left < right),
        Operator::LessOrEqual => Value::Truth(left <= right),
        Operator::Greater => Value::Truth(left > right),
        Operator::GreaterOrEqual => Value::Truth(left >= right),
        Operator::Minus => Value::Number(left - right),
        Operator::Times => Value::Number(left * right),
        Operator::Divided => Value::Number(left / right),
        Operator::Remainder => Value::Number(left % right),
        Operator::Power => Value::Number(left.powf(right)),
        _ => Value::Number(left + right),
    })
}

fn call(
    function: &str,
    arguments: &[Expression],
    value_of: &dyn Fn(&str) -> Option<f64>,
    element: Option<&Value>,
) -> Result<Value, FormulaError> {
    let (predicates, values): (Vec<_>, Vec<_>) =
        arguments.iter().partition(|argument| matches!(argument, Expression::Predicate(_)));
    let mut members = Vec::new();
    for argument in values {
        match argument.evaluate(value_of, element)? {
            Value::List(list) => members.extend(list),
            value => members.push(value),
        }
    }
    let holds = |member: &Value| match predicates.first() {
        Some(Expression::Predicate(predicate)) => predicate.evaluate(value_of, Some(member)),
        _ => Ok(member.clone()),
    };
    let holding =
        || -> Result<Vec<bool>, FormulaError> { members.iter().map(|member| holds(member)?.truth()).collect() };
    let counted = |truths: &[bool]| truths.iter().filter(|truth| **truth).count();
    match function {
        "len" => return Ok(Value::Number(members.len() as f64)),
        "count" => return Ok(Value::Number(counted(&holding()?) as f64)),
        "any" => return Ok(Value::Truth(counted(&holding()?) > 0)),
        "all" => return Ok(Value::Truth(counted(&holding()?) == members.len())),
        "none" => return Ok(Value::Truth(counted(&holding()?) == 0)),
        "filter" => {
            let kept = members.iter().zip(holding()?).filter(|(_, holds)| *holds);
            return Ok(Value::List(kept.map(|(member, _)| member.clone()).collect()));
        }
        _ => {}
    }
    let numbers = members.iter().map(|member| holds(member)?.number()).collect::<Result<Vec<f64>, _>>()?;
    of_numbers(function, numbers).map(Value::Number)
}

fn of_numbers(function: &str, mut numbers: Vec<f64>) -> Result<f64, FormulaError> {
    let sum: f64 = numbers.iter().sum();
    let count = numbers.len() as f64;
    let Some(first) = numbers.first().copied() else {
        return if function == "sum" { Ok(0.0) } else { wrong(format!("{function} expects at least one number")) };
    };
    Ok(match function {
        "min" => numbers.into_iter().fold(first, f64::min),
        "max" => numbers.into_iter().fold(first, f64::max),
        "sum" => sum,
        "mean" | "avg" => sum / count,
        "median" => {
            numbers.sort_by(f64::total_cmp);
            let middle = numbers.len() / 2;
            if numbers.len() % 2 == 1 { numbers[middle] } else { f64::midpoint(numbers[middle - 1], numbers[middle]) }
        }
        "abs" => first.abs(),
        "ceil" => first.ceil(),
        "floor" => first.floor(),
        "round" => first.round(),
        "int" => first.trunc(),
        _ => first,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value(text: &str) -> Result<f64, String> {
        let value_of = |name: &str| match name {
            "one" => Some(1.0),
            "two" => Some(2.0),
            "trigger_3" => Some(3.0),
            _ => None,
        };
        let formula = Formula::parse(text).map_err(|error| error.to_string())?;
        formula.evaluate(&value_of).map_err(|error| error.to_string())
    }

    #[test]
    fn formulas_of_the_documentation_are_evaluated() {
        for (text, expected) in [
            ("one + two", 3.0),
            ("(one + two)/2", 1.5),
            ("one + two * trigger_3", 7.0),
            ("two > one ? trigger_3 : 0", 3.0),
            ("one > 2 ? 1 : two > 1 ? 20 : 30", 20.0),
            ("failed ?? two", 2.0),
            ("one + (failed ?? 5)", 6.0),
            ("failed ?? other ?? 4", 4.0),
            ("max(one, two)", 2.0),
            ("min([one, two]) + avg(one, trigger_3)", 3.0),
            ("count([one,two,trigger_3],{#>1}) > 1 ? 5 : 0", 5.0),
            ("sum(filter([one, two], {# > 1}))", 2.0),
            ("two ** trigger_3 ^ 1", 8.0),
            ("-two ** 2", -4.0),
            ("10 - 2 - 3", 5.0),
            ("not (one == 1) || two != 2 ? 1 : 1.5e1", 15.0),
            ("one < two and !false ? 7 % 4 : 1", 3.0),
            ("median(one, two, 9)", 2.0),
        ] {
            assert_eq!(value(text), Ok(expected), "{text}");
        }
        let formula = Formula::parse("one + max(two, one)").unwrap();
        assert_eq!(formula.triggers().into_iter().collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn what_is_wrong_with_a_formula_is_told() {
        for (text, expected) in [
            ("one +", "expected a number, a trigger's name or a bracket, found the end"),
            ("(one", "expected \")\", found the end"),
            ("one two", "expected an operator or the end, found 't'"),
            ("sqrt(one)", "expected one of the functions min, max"),
            ("one + failed", "expected a number, found nil"),
            ("one ? 1 : 2", "expected a comparison, found 1"),
            ("#", "# stands for an element only within { }"),
        ] {
            assert!(value(text).unwrap_err().starts_with(expected), "{text}: {:?}", value(text));
        }
        assert!(value(&"(".repeat(9999)).is_err());
        assert!(value(&"-".repeat(9999)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-a-c0-9.+*/()?:,\\[\\]{}#<>=! ]{0,40}", other in ".{0,20}") {
            let _ = value(&text);
            let _ = value(&other);
        }
    }
}
