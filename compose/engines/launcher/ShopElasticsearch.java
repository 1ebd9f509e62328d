import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.LowerCaseFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.charfilter.HTMLStripCharFilter;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.en.EnglishMinimalStemFilter;
import org.apache.lucene.analysis.en.EnglishPossessiveFilter;
import org.apache.lucene.analysis.en.KStemFilter;
import org.apache.lucene.analysis.en.PorterStemFilter;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.ngram.EdgeNGramTokenFilter;
import org.apache.lucene.analysis.synonym.SolrSynonymParser;
import org.apache.lucene.analysis.synonym.SynonymGraphFilter;
import org.apache.lucene.analysis.synonym.SynonymMap;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.index.IndexSettings;
import org.elasticsearch.index.analysis.AbstractIndexAnalyzerProvider;
import org.elasticsearch.index.analysis.AbstractTokenFilterFactory;
import org.elasticsearch.index.analysis.AnalyzerProvider;
import org.elasticsearch.index.analysis.CharFilterFactory;
import org.elasticsearch.index.analysis.CustomAnalyzer;
import org.elasticsearch.index.analysis.NormalizingTokenFilterFactory;
import org.elasticsearch.index.analysis.PreConfiguredTokenFilter;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.index.mapper.MapperExtrasPlugin;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.join.ParentJoinPlugin;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.reindex.ReindexPlugin;
import org.elasticsearch.transport.Netty4Plugin;

/**
 * One Elasticsearch node from published libraries, with the analysis the shop's search needs.
 *
 * <p>The common analysis module is not published as a library, so the few filters that search uses
 * are registered here under their usual names. Arguments are settings: {@code key=value}.
 */
public final class ShopElasticsearch extends Node {

  private ShopElasticsearch(Settings settings) {
    super(
        InternalSettingsPreparer.prepareEnvironment(settings, Collections.emptyMap(), null, () -> "shop"),
        List.of(
            Netty4Plugin.class,
            MapperExtrasPlugin.class,
            ReindexPlugin.class,
            ParentJoinPlugin.class,
            ShopAnalysis.class),
        false);
  }

  public static void main(String[] arguments) throws Exception {
    Settings.Builder settings = Settings.builder();
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      settings.put(argument.substring(0, equals), argument.substring(equals + 1));
    }
    ShopElasticsearch node = new ShopElasticsearch(settings.build());
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node)));
    node.start();
    new CountDownLatch(1).await();
  }

  private static void close(Node node) {
    try {
      node.close();
    } catch (IOException failure) {
      failure.printStackTrace();
    }
  }

  public static final class ShopAnalysis extends Plugin implements AnalysisPlugin {

    @Override
    public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
      return Map.of(
          "stemmer", (index, environment, name, settings) -> new Stemmer(index, name, settings),
          "lowercase", (index, environment, name, settings) -> new Lowercase(index, name, settings),
          "asciifolding", (index, environment, name, settings) -> new AsciiFolding(index, name, settings),
          "edge_ngram", (index, environment, name, settings) -> new EdgeNgram(index, name, settings),
          "synonym_graph", needsSettings((index, env, name, settings) -> new SynonymGraph(index, name, settings)));
    }

    @Override
    public List<PreConfiguredTokenFilter> getPreConfiguredTokenFilters() {
      return List.of(
          PreConfiguredTokenFilter.singleton("asciifolding", true, ASCIIFoldingFilter::new),
          PreConfiguredTokenFilter.singleton("stemmer", false, PorterStemFilter::new));
    }

    @Override
    public Map<String, AnalysisProvider<CharFilterFactory>> getCharFilters() {
      return Map.of("html_strip", (index, environment, name, settings) -> new HtmlStrip(name));
    }

    @Override
    public Map<String, AnalysisProvider<AnalyzerProvider<? extends Analyzer>>> getAnalyzers() {
      return Map.of("english", (index, environment, name, settings) -> new English(index, name, settings));
    }

    private static AnalysisProvider<TokenFilterFactory> needsSettings(AnalysisProvider<TokenFilterFactory> provider) {
      return new AnalysisProvider<>() {
        @Override
        public TokenFilterFactory get(IndexSettings index, Environment environment, String name, Settings settings)
            throws IOException {
          return provider.get(index, environment, name, settings);
        }

        @Override
        public boolean requiresAnalysisSettings() {
          return true;
        }
      };
    }
  }

  private static final class Stemmer extends AbstractTokenFilterFactory {
    private final String language;

    Stemmer(IndexSettings index, String name, Settings settings) {
      super(index, name, settings);
      language = settings.get("language", settings.get("name", "english")).toLowerCase(Locale.ROOT);
      stem(null, language); // an unknown language is refused when the index is made
    }

    @Override
    public TokenStream create(TokenStream tokens) {
      return stem(tokens, language);
    }

    private static TokenStream stem(TokenStream tokens, String language) {
      switch (language) {
        case "english":
        case "porter":
          return tokens == null ? null : new PorterStemFilter(tokens);
        case "light_english":
          return tokens == null ? null : new KStemFilter(tokens);
        case "minimal_english":
          return tokens == null ? null : new EnglishMinimalStemFilter(tokens);
        case "possessive_english":
          return tokens == null ? null : new EnglishPossessiveFilter(tokens);
        default:
          throw new IllegalArgumentException("stemmer language [" + language + "] is not part of this engine");
      }
    }
  }

  private static final class Lowercase extends AbstractTokenFilterFactory implements NormalizingTokenFilterFactory {
    Lowercase(IndexSettings index, String name, Settings settings) {
      super(index, name, settings);
    }

    @Override
    public TokenStream create(TokenStream tokens) {
      return new LowerCaseFilter(tokens);
    }
  }

  private static final class AsciiFolding extends AbstractTokenFilterFactory implements NormalizingTokenFilterFactory {
    private final boolean preserveOriginal;

    AsciiFolding(IndexSettings index, String name, Settings settings) {
      super(index, name, settings);
      preserveOriginal = settings.getAsBoolean("preserve_original", false);
    }

    @Override
    public TokenStream create(TokenStream tokens) {
      return new ASCIIFoldingFilter(tokens, preserveOriginal);
    }

    @Override
    public TokenStream normalize(TokenStream tokens) {
      return new ASCIIFoldingFilter(tokens); // a normalised keyword has one form
    }
  }

  private static final class EdgeNgram extends AbstractTokenFilterFactory {
    private final int shortest;
    private final int longest;
    private final boolean preserveOriginal;

    EdgeNgram(IndexSettings index, String name, Settings settings) {
      super(index, name, settings);
      shortest = settings.getAsInt("min_gram", 1);
      longest = settings.getAsInt("max_gram", 2);
      preserveOriginal = settings.getAsBoolean("preserve_original", false);
    }

    @Override
    public TokenStream create(TokenStream tokens) {
      return new EdgeNGramTokenFilter(tokens, shortest, longest, preserveOriginal);
    }
  }

  private static final class SynonymGraph extends AbstractTokenFilterFactory {
    private final List<String> rules;
    private final boolean expand;

    SynonymGraph(IndexSettings index, String name, Settings settings) {
      super(index, name, settings);
      rules = settings.getAsList("synonyms", null);
      expand = settings.getAsBoolean("expand", true);
      if (rules == null) {
        throw new IllegalArgumentException("synonym_graph requires `synonyms` to be configured");
      }
    }

    @Override
    public TokenStream create(TokenStream tokens) {
      throw new IllegalStateException("synonyms are built from the filters before them");
    }

    @Override
    public TokenFilterFactory getChainAwareTokenFilterFactory(
        TokenizerFactory tokenizer,
        List<CharFilterFactory> charFilters,
        List<TokenFilterFactory> previous,
        Function<String, TokenFilterFactory> all) {
      Analyzer before =
          new CustomAnalyzer(
              tokenizer,
              charFilters.toArray(new CharFilterFactory[0]),
              previous.stream().map(TokenFilterFactory::getSynonymFilter).toArray(TokenFilterFactory[]::new));
      SynonymMap synonyms = parse(before);
      String name = name();
      return new TokenFilterFactory() {
        @Override
        public String name() {
          return name;
        }

        @Override
        public TokenStream create(TokenStream tokens) {
          return synonyms.fst == null ? tokens : new SynonymGraphFilter(tokens, synonyms, false);
        }
      };
    }

    private SynonymMap parse(Analyzer before) {
      try {
        SolrSynonymParser parser = new SolrSynonymParser(true, expand, before);
        parser.parse(new StringReader(String.join("\n", rules)));
        return parser.build();
      } catch (Exception failure) {
        throw new IllegalArgumentException("failed to build synonyms", failure);
      }
    }
  }

  private static final class HtmlStrip implements CharFilterFactory {
    private final String name;

    HtmlStrip(String name) {
      this.name = name;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public Reader create(Reader reader) {
      return new HTMLStripCharFilter(reader);
    }
  }

  private static final class English extends AbstractIndexAnalyzerProvider<EnglishAnalyzer> {
    private final EnglishAnalyzer analyzer = new EnglishAnalyzer();

    English(IndexSettings index, String name, Settings settings) {
      super(index, name, settings);
    }

    @Override
    public EnglishAnalyzer get() {
      return analyzer;
    }
  }
}
