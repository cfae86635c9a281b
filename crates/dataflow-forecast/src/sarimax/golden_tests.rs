//! Agreement with statsmodels on the cases of `golden/statsmodels`.

use serde::Deserialize;

use super::{Arima, Coefficients, Orders};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    values: Vec<Option<f64>>,
    order: [usize; 3],
    seasonal_order: [usize; 4],
    regressors: Vec<Vec<f64>>,
    given: Expected,
    fitted: Expected,
}

#[derive(Deserialize)]
struct Expected {
    parameters: Vec<f64>,
    log_likelihood: f64,
    mean: Vec<f64>,
    standard_error: Vec<f64>,
}

impl Case {
    fn orders(&self) -> Orders {
        let [ar, differences, ma] = self.order;
        let [seasonal_ar, seasonal_differences, seasonal_ma, period] = self.seasonal_order;
        Orders { ar, differences, ma, seasonal_ar, seasonal_differences, seasonal_ma, period }
    }

    /// The parameters in the order of statsmodels: β, φ, θ, Φ, Θ, σ².
    fn model(&self, parameters: &[f64]) -> Arima {
        let orders = self.orders();
        let mut rest = parameters.iter().copied();
        let mut next = |count: usize| rest.by_ref().take(count).collect::<Vec<f64>>();
        let regression = next(self.regressors.len());
        let (ar, ma) = (next(orders.ar), next(orders.ma));
        let (seasonal_ar, seasonal_ma) = (next(orders.seasonal_ar), next(orders.seasonal_ma));
        let coefficients = Coefficients { ar, ma, seasonal_ar, seasonal_ma };
        Arima { orders, coefficients, regression, variance: next(1)[0] }
    }

    fn values(&self) -> Vec<f64> {
        self.values.iter().map(|value| value.unwrap_or(f64::NAN)).collect()
    }

    fn ahead(&self) -> Vec<Vec<f64>> {
        self.regressors.iter().map(|column| column[self.values.len()..].to_vec()).collect()
    }

    fn assert_forecast(&self, model: &Arima, expected: &Expected, tolerance: f64) {
        let (means, errors) = model.forecast(&self.values(), &self.regressors, &self.ahead(), 24).unwrap();
        for step in 0..24 {
            for (got, expected) in [(means[step], expected.mean[step]), (errors[step], expected.standard_error[step])] {
                let scale = expected.abs().max(1.0);
                assert!((got - expected).abs() < tolerance * scale, "{} {step}: {got} {expected}", self.name);
            }
        }
    }
}

fn cases() -> Vec<Case> {
    let golden: Golden = serde_json::from_str(include_str!("../../../../golden/statsmodels/sarimax.json")).unwrap();
    assert_eq!(golden.cases.len(), 8);
    golden.cases
}

#[test]
fn likelihood_and_forecasts_at_given_parameters_are_those_of_statsmodels() {
    for case in cases() {
        let model = case.model(&case.given.parameters);
        let got = model.log_likelihood(&case.values(), &case.regressors).unwrap();
        let expected = case.given.log_likelihood;
        assert!((got - expected).abs() < 1e-8 * expected.abs(), "{}: {got} {expected}", case.name);
        case.assert_forecast(&model, &case.given, 1e-7);
    }
}

#[test]
fn the_fit_is_that_of_statsmodels() {
    for case in cases() {
        let (model, own) = Arima::fit(&case.values(), &case.regressors, case.orders()).unwrap();
        let expected = case.fitted.log_likelihood;
        let got = model.log_likelihood(&case.values(), &case.regressors).unwrap();
        assert!(got > expected - 1e-5 * expected.abs(), "{}: {got} {expected}", case.name);
        assert!((got - expected).abs() < 1e-4 * expected.abs(), "{}: {got} {expected}", case.name);
        // The differenced states of the fit are exactly diffuse, those of the check only nearly so.
        assert!((own - got).abs() < 1e-4 * got.abs(), "{}: {own} {got}", case.name);
        let reference = case.model(&case.fitted.parameters);
        let parameters = |model: &Arima| {
            let Coefficients { ar, ma, seasonal_ar, seasonal_ma } = model.coefficients.clone();
            [model.regression.clone(), ar, ma, seasonal_ar, seasonal_ma, vec![model.variance]].concat()
        };
        for (value, expected) in parameters(&model).iter().zip(parameters(&reference)) {
            assert!((value - expected).abs() < 2e-3 * expected.abs().max(1.0), "{}: {value} {expected}", case.name);
        }
        case.assert_forecast(&model, &case.fitted, 2e-3);
    }
}
