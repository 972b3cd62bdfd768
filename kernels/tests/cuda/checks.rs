//! What every device is held to.

/// Hands all checks to a macro, each with its name; so many random forests are made.
macro_rules! every_check {
    ($each:ident, $random_forests:literal) => {
        $each! {
            random_forests_give_the_same_bits => |device| forests::random_forests(device, $random_forests);
            every_form_of_tree_gives_the_same_bits => forests::every_form;
            large_forests_give_the_same_bits => forests::large_forests;
            many_pieces_give_the_same_bits => forests::many_pieces;
            special_numbers_go_the_same_way => forests::special_numbers;
            threads_predict_beside_each_other => forests::threads_beside_each_other;
            lengths_that_do_not_fit_are_refused => forests::lengths_that_do_not_fit;
            rows_are_gathered_and_made_into_others => tables::rows;
            scores_are_made_of_sums => tables::scores;
            histograms_count_the_same => tables::histograms;
            copying_alone_can_be_repeated => tables::transfers;
        }
    };
}

pub(crate) use every_check;
